-- Access tokens that ended before their time, until that time.
CREATE TABLE revocations (
    issuer TEXT NOT NULL,
    jti TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    PRIMARY KEY (issuer, jti)
) STRICT;
CREATE INDEX revocations_not_after ON revocations (not_after);
