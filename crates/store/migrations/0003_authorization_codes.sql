-- Authorization codes in flight, and used ones as long as a replay is recognised.
CREATE TABLE authorization_codes (
    code_hash BLOB PRIMARY KEY,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    authorization_seed TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    status INTEGER NOT NULL,                -- 1 issued, 2 redeemed, 3 burnt
    authorization_id BLOB
) STRICT;
CREATE INDEX authorization_codes_expires ON authorization_codes (expires_at);
