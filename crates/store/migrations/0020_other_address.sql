-- The first address of a device that lies in another network than the one it asked from.
ALTER TABLE device_grants ADD COLUMN other_address TEXT;
