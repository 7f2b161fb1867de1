-- Proofs and assertions that were accepted, as hashes, for all nodes. One node keeps them in memory.
CREATE TABLE proof_ids (
    id BLOB PRIMARY KEY,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX proof_ids_ends ON proof_ids (ends_at);
