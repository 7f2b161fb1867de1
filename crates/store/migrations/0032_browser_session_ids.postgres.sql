-- Browser sessions have an id, which stays when their cookie is another one.
-- What was granted refers to a session by the hash of the cookie as it was. That hash is the id of the
-- sessions that are there, so no reference has to be changed. An id of a new session is as long.
ALTER TABLE browser_sessions ADD COLUMN id BYTEA;
UPDATE browser_sessions SET id = token_hash;
ALTER TABLE browser_sessions ALTER COLUMN id SET NOT NULL;
CREATE UNIQUE INDEX browser_sessions_id ON browser_sessions (id);
CREATE VIEW authorizations_by_session AS
    SELECT browser_session, id FROM authorizations WHERE revoked_at IS NULL;

-- While nodes of the version before run, this holds: whoever signs out at any node ends what was
-- granted in that browser at any node, and no reference is too long or too short for either version.
-- Those nodes make sessions without an id: it is the hash of the cookie then, which is what they
-- write wherever they refer to one.
CREATE FUNCTION browser_session_id() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.id := COALESCE(NEW.id, NEW.token_hash);
    RETURN NEW;
END
$$;
CREATE TRIGGER browser_sessions_inserted BEFORE INSERT ON browser_sessions
    FOR EACH ROW EXECUTE FUNCTION browser_session_id();
-- They ask this view for what was granted under the hash of a cookie, to end it or to move it to the
-- cookie of a step-up; so it goes by the session that has this cookie now. A code that was approved
-- before a step-up at such a node is lost to the session, as it always was there.
CREATE OR REPLACE VIEW authorizations_by_browser AS
    SELECT browser_sessions.token_hash AS browser_session, authorizations.id
    FROM authorizations JOIN browser_sessions ON browser_sessions.id = authorizations.browser_session
    WHERE authorizations.revoked_at IS NULL;
