-- Tries that did not succeed, by the hash of whoever guesses.
CREATE TABLE counters (
    bucket BLOB PRIMARY KEY,
    count INTEGER NOT NULL,
    last_at INTEGER,
    locked_until INTEGER
) STRICT;
CREATE INDEX counters_last ON counters (last_at);
