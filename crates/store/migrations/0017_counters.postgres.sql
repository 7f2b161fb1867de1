-- Tries that did not succeed, by the hash of whoever guesses. A crash may forget them.
CREATE UNLOGGED TABLE counters (
    bucket BYTEA PRIMARY KEY,
    count BIGINT NOT NULL,
    last_at BIGINT,
    locked_until BIGINT
);
CREATE INDEX counters_last ON counters (last_at);
