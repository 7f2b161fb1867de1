-- Second factors: authenticator apps, codes on paper, and the random values that are made once.
CREATE TABLE totp_secrets (
    user_id TEXT PRIMARY KEY,
    seed BLOB NOT NULL,                     -- sealed
    last_step INTEGER NOT NULL,             -- a code of this step, or of one before it, is used up
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE TABLE recovery_codes (
    code_mac BLOB PRIMARY KEY,              -- HMAC-SHA-256 under `lasting_secrets.recovery-codes`
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

CREATE TABLE lasting_secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL                     -- sealed; drawn once and never changed
) STRICT;
