-- Tries to sign in to an account, for its person to look back at.
CREATE TABLE sign_in_events (
    id BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome INTEGER NOT NULL,               -- 1 signed in, 2 refused
    address TEXT NOT NULL,
    browser TEXT
) STRICT;
CREATE INDEX sign_in_events_user ON sign_in_events (user_id, at);
CREATE INDEX sign_in_events_at ON sign_in_events (at);
