-- What a person calls a device or program of theirs.
ALTER TABLE authorizations ADD COLUMN label TEXT;
