-- The key that signs an issuer's tokens.
CREATE TABLE signing_keys (
    issuer TEXT PRIMARY KEY,
    kid TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    pkcs8 BLOB NOT NULL,                    -- sealed
    created_at INTEGER NOT NULL
) STRICT;
