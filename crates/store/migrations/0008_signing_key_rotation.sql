-- Several keys for each issuer: one signs, the retired ones still check what they signed.
CREATE TABLE rotated_signing_keys (
    issuer TEXT NOT NULL,
    generation INTEGER NOT NULL,            -- 1 is the first
    kid TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    pkcs8 BLOB NOT NULL,                    -- sealed
    created_at INTEGER NOT NULL,
    retired_at INTEGER,                     -- null: it signs
    PRIMARY KEY (issuer, generation),
    UNIQUE (issuer, kid)
) STRICT;
INSERT INTO rotated_signing_keys (issuer, generation, kid, algorithm, pkcs8, created_at)
    SELECT issuer, 1, kid, algorithm, pkcs8, created_at FROM signing_keys;
DROP TABLE signing_keys;
ALTER TABLE rotated_signing_keys RENAME TO signing_keys;
CREATE UNIQUE INDEX signing_keys_signing ON signing_keys (issuer) WHERE retired_at IS NULL;
