-- What happened, one chain of hashes for each node, and the signed end of each chain.
CREATE TABLE audit_events (
    node BLOB NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL,
    client_id TEXT,
    sid BLOB,
    ref TEXT,
    detail TEXT,
    actor TEXT,                             -- these four can be cleared; beside each stands its hash,
    actor_veil BLOB,                        -- and as long as it is there, its salt
    subject TEXT,
    subject_veil BLOB,
    ip TEXT,
    ip_veil BLOB,
    user_agent TEXT,
    user_agent_veil BLOB,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (node, seq)
) STRICT;
CREATE INDEX audit_events_at ON audit_events (at, node, seq);
CREATE INDEX audit_events_subject ON audit_events (subject, at) WHERE subject IS NOT NULL;
CREATE INDEX audit_events_actor ON audit_events (actor) WHERE actor IS NOT NULL;
CREATE INDEX audit_events_client ON audit_events (client_id, at) WHERE client_id IS NOT NULL;
CREATE INDEX audit_events_sid ON audit_events (sid, at) WHERE sid IS NOT NULL;
CREATE INDEX audit_events_ref ON audit_events (ref) WHERE ref IS NOT NULL;
CREATE INDEX audit_events_ip ON audit_events (at) WHERE ip IS NOT NULL;
CREATE TABLE audit_chains (
    node BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,                   -- its last record
    hash BLOB NOT NULL,
    signed_at INTEGER NOT NULL,
    signature BLOB NOT NULL,
    floor_seq INTEGER,                      -- the last record that went because it was old
    floor_hash BLOB,
    floor_signature BLOB
) STRICT;
CREATE INDEX audit_chains_signed ON audit_chains (signed_at);
