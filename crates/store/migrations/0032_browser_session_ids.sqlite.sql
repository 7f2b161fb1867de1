-- Browser sessions have an id, which stays when their cookie is another one.
-- What was granted refers to a session by the hash of the cookie as it was. That hash is the id of the
-- sessions that are there, so no reference has to be changed. An id of a new session is as long.
ALTER TABLE browser_sessions ADD COLUMN id BLOB NOT NULL DEFAULT x'';
UPDATE browser_sessions SET id = token_hash;
CREATE UNIQUE INDEX browser_sessions_id ON browser_sessions (id);
ALTER TABLE authorizations_by_browser RENAME TO authorizations_by_session;
