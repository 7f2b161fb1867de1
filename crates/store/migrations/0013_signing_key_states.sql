-- The life of a signing key: published, signing, only checking, gone.
ALTER TABLE signing_keys ADD COLUMN state INTEGER NOT NULL DEFAULT 2;   -- 1 next, 2 active, 3 retiring
ALTER TABLE signing_keys ADD COLUMN changes_at INTEGER;                 -- when the state ends; null: never by itself
UPDATE signing_keys SET state = 3 WHERE retired_at IS NOT NULL;
DROP INDEX signing_keys_signing;
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (issuer, algorithm) WHERE state = 2;
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (issuer, algorithm) WHERE state = 1;
