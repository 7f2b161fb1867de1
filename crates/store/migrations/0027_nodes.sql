-- The nodes of a database on a server, by its own clock: what one of them mints, the others must read.
CREATE TABLE nodes (
    id BLOB PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    ring TEXT NOT NULL,                     -- the keys of its ring: ids and fingerprints, the first one first
    kids TEXT NOT NULL                      -- the signing keys that it publishes
) STRICT;
