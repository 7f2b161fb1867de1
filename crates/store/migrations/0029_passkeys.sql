-- The public halves of people's passkeys, and the challenges that were answered.
CREATE TABLE passkeys (
    credential_id BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key BLOB NOT NULL,               -- a COSE_Key
    sign_count INTEGER NOT NULL,
    uv_initialized INTEGER NOT NULL,
    backup_eligible INTEGER NOT NULL,
    backup_state INTEGER NOT NULL,
    aaguid BLOB NOT NULL,
    transports TEXT NOT NULL,               -- JSON
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    hash BLOB PRIMARY KEY,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX passkey_challenges_ends ON passkey_challenges (ends_at);
