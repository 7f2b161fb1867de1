-- The names under which SQLite has tables. Here an index serves: a deleted row leaves it to the
-- vacuum to take out its entries, a page at a time.
CREATE VIEW authorizations_by_user AS SELECT issuer, user_id, id FROM authorizations;
CREATE VIEW authorizations_by_browser AS
    SELECT browser_session, id FROM authorizations WHERE revoked_at IS NULL;
