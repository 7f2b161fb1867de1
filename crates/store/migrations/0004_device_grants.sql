-- Device grants in flight, and ended ones for a day, so that no user code comes back within it.
CREATE TABLE device_grants (
    code_hash BLOB PRIMARY KEY,
    user_code_hash BLOB NOT NULL,
    user_code BLOB NOT NULL,                -- sealed
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    resource TEXT NOT NULL,
    address TEXT,
    user_agent TEXT,
    host_label TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    poll_interval INTEGER NOT NULL,         -- milliseconds
    last_poll_at INTEGER,
    status INTEGER NOT NULL,                -- 1 pending, 2 approved, 3 denied, 4 redeemed
    authorization_seed TEXT,
    authorization_id BLOB
) STRICT;
CREATE UNIQUE INDEX device_grants_user_code ON device_grants (issuer, user_code_hash);
CREATE INDEX device_grants_pending ON device_grants (issuer, client_id, expires_at) WHERE status = 1;
CREATE INDEX device_grants_expires ON device_grants (expires_at);
