-- One sign-in of one user with one client, and its family of refresh tokens.
CREATE TABLE authorizations (
    id BLOB PRIMARY KEY,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_claims TEXT NOT NULL,
    scopes TEXT NOT NULL,
    resource TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    nonce TEXT,
    browser_session BLOB,
    origin INTEGER NOT NULL,                -- 1 code, 2 device, 3 exchange
    address TEXT,
    created_at INTEGER NOT NULL,
    rt_seed_hash BLOB,                      -- null: no refresh tokens
    rt_generation INTEGER,
    rt_rotates INTEGER,
    rt_rotated_at INTEGER,
    rt_previously_rotated_at INTEGER,
    idle_expires_at INTEGER,                -- no index: a refresh touches none
    absolute_expires_at INTEGER,
    revoked_at INTEGER,
    revoke_reason INTEGER                   -- 1 client, 2 user, 3 code replayed, 4 refresh reused
) STRICT;
CREATE INDEX authorizations_user ON authorizations (issuer, user_id);
CREATE INDEX authorizations_end ON authorizations ((COALESCE(revoked_at, absolute_expires_at, created_at)));
