-- What people let clients do, by resource; a request that names no resource has the empty one.
CREATE TABLE consents (
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, user_id, client_id, resource)
) STRICT;
CREATE INDEX consents_expires ON consents (expires_at);
CREATE INDEX consents_client ON consents (client_id);
