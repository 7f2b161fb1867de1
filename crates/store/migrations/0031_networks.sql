-- The networks of the last refresh and of a pushed request; pairs of networks that people confirmed.
ALTER TABLE authorizations ADD COLUMN rt_rotated_from TEXT;
ALTER TABLE pushed_requests ADD COLUMN pushed_from TEXT;
CREATE TABLE confirmed_networks (
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    browser TEXT NOT NULL,
    program TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, user_id, browser, program)
) STRICT;
CREATE INDEX confirmed_networks_expires ON confirmed_networks (expires_at);
