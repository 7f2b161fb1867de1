-- Proofs and assertions that were accepted, as hashes, for all nodes. A crash may forget them.
CREATE UNLOGGED TABLE proof_ids (
    id BYTEA PRIMARY KEY,
    ends_at BIGINT NOT NULL
);
CREATE INDEX proof_ids_ends ON proof_ids (ends_at);
