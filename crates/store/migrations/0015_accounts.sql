-- People with accounts, their passwords, and the links that let them choose one.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    username_folded TEXT NOT NULL,
    display_name TEXT,
    email TEXT,
    email_folded TEXT,
    email_verified_at INTEGER,
    status INTEGER NOT NULL,                -- 1 active, 2 locked
    role INTEGER NOT NULL,                  -- 1 user, 2 admin, 3 auditor
    created_at INTEGER NOT NULL,
    last_login_at INTEGER,
    security_epoch INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_username ON users (username_folded);
CREATE UNIQUE INDEX users_email ON users (email_folded) WHERE email_verified_at IS NOT NULL;

CREATE TABLE passwords (
    user_id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,                     -- argon2id, in the PHC string format
    set_at INTEGER NOT NULL
) STRICT;

CREATE TABLE account_links (
    token_hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    purpose INTEGER NOT NULL,               -- 1 invitation, 2 reset
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX account_links_user ON account_links (user_id);
CREATE INDEX account_links_expires ON account_links (expires_at);
