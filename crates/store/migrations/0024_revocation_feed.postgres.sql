-- What was revoked in the last minutes, for every node to follow. A crash empties it, and cuts every
-- node off: they begin anew then. Triggers fill it, so that nobody who revokes can forget to, not
-- even a version of hallpass that does not know of it.
CREATE UNLOGGED TABLE revocation_feed (
    xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
    authorization_id BYTEA,                 -- a whole authorization, or
    issuer TEXT COLLATE "C",                -- one access token
    jti TEXT COLLATE "C"
);
CREATE INDEX revocation_feed_xid ON revocation_feed (xid);

CREATE FUNCTION feed_revocation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_TABLE_NAME = 'authorizations' THEN
        INSERT INTO revocation_feed (authorization_id) VALUES (NEW.id);
    ELSE
        INSERT INTO revocation_feed (issuer, jti) VALUES (NEW.issuer, NEW.jti);
    END IF;
    PERFORM pg_notify('hallpass', 'revoked');
    RETURN NULL;
END
$$;
CREATE TRIGGER authorizations_revoked AFTER UPDATE OF revoked_at ON authorizations
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION feed_revocation();
CREATE TRIGGER revocations_inserted AFTER INSERT ON revocations
    FOR EACH ROW EXECUTE FUNCTION feed_revocation();
