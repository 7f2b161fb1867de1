-- The keys of the key ring that this database needs. It holds none of them, only their names.
CREATE TABLE ring_keys (
    id INTEGER PRIMARY KEY,                 -- its id in the ring
    fingerprint TEXT NOT NULL,
    first_used_at INTEGER NOT NULL,
    superseded_at INTEGER,                  -- null: it is the first of the ring
    needed_until INTEGER                    -- null: something is sealed with it
) STRICT;
DELETE FROM settings WHERE name = 'store_key_id';
