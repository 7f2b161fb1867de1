-- Authorization requests that clients pushed, until a code or an error answers them.
CREATE TABLE pushed_requests (
    request_hash BLOB PRIMARY KEY,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    pushed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX pushed_requests_expires ON pushed_requests (expires_at);
