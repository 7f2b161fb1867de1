-- How a person signed in, and the epoch of their account then. What is older than both has none.
ALTER TABLE browser_sessions ADD COLUMN sign_in TEXT NOT NULL DEFAULT '{}';
ALTER TABLE authorizations ADD COLUMN sign_in TEXT NOT NULL DEFAULT '{}';
CREATE INDEX browser_sessions_user ON browser_sessions (issuer, user_id);
CREATE INDEX authorizations_browser ON authorizations (browser_session) WHERE revoked_at IS NULL;
