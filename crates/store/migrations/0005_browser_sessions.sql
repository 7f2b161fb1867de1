-- Signed-in browsers.
CREATE TABLE browser_sessions (
    token_hash BLOB PRIMARY KEY,
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_claims TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    address TEXT,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX browser_sessions_expires ON browser_sessions (expires_at);
