-- Links with which people make accounts themselves; accounts by their address, proven or not.
CREATE TABLE sign_ups (
    token_hash BLOB PRIMARY KEY,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_ups_expires ON sign_ups (expires_at);
CREATE INDEX users_address ON users (email_folded);
