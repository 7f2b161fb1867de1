-- Mail that is due. No row holds a mail: its text and its link are made when it is sent.
CREATE TABLE email_outbox (
    id BLOB PRIMARY KEY,
    kind INTEGER NOT NULL,                  -- 1 invitation, 2 recovery, 3 password changed
    user_id TEXT,
    typed BLOB,                             -- sealed: what was typed on the recovery page
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX email_outbox_due ON email_outbox (due_at);
