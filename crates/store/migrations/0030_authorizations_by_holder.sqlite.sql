-- Which sign-ins a person has, and which a browser, in tables of their own: who deletes an
-- authorization leaves them alone. A sweep in their own order takes out what points nowhere.
CREATE TABLE authorizations_by_user (
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (issuer, user_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE authorizations_by_browser (
    browser_session BLOB NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (browser_session, id)
) STRICT, WITHOUT ROWID;
INSERT INTO authorizations_by_user
    SELECT issuer, user_id, id FROM authorizations ORDER BY issuer, user_id, id;
INSERT INTO authorizations_by_browser
    SELECT browser_session, id FROM authorizations
    WHERE browser_session IS NOT NULL AND revoked_at IS NULL ORDER BY browser_session, id;
CREATE TRIGGER authorizations_inserted AFTER INSERT ON authorizations BEGIN
    INSERT OR IGNORE INTO authorizations_by_user VALUES (NEW.issuer, NEW.user_id, NEW.id);
    INSERT OR IGNORE INTO authorizations_by_browser
        SELECT NEW.browser_session, NEW.id WHERE NEW.browser_session IS NOT NULL;
END;
DROP INDEX authorizations_user;
DROP INDEX authorizations_browser;
