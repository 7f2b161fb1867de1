-- A refresh writes a new version of its row. With room on the same page no index has to learn of it.
ALTER TABLE authorizations SET (fillfactor = 80);
