-- The language that a person reads, and the one of the page on which a mail was asked for.
ALTER TABLE users ADD COLUMN locale TEXT;
ALTER TABLE email_outbox ADD COLUMN locale TEXT;
