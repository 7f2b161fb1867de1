-- How devices poll, for all nodes together. A crash may forget it: that costs polls that come early.
CREATE UNLOGGED TABLE device_polls (
    code_hash BYTEA PRIMARY KEY,
    poll_interval BIGINT NOT NULL,          -- milliseconds
    last_poll_at BIGINT NOT NULL,
    is_early BIGINT NOT NULL,               -- whether the last poll came too early
    expires_at BIGINT NOT NULL              -- with the grant
) WITH (fillfactor = 70);
CREATE INDEX device_polls_expires ON device_polls (expires_at);
