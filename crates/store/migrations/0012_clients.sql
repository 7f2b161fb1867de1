-- Clients that registered themselves (RFC 7591); the operator's own stand in the configuration.
CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    metadata TEXT NOT NULL,
    secret_hash BLOB,
    registration_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
