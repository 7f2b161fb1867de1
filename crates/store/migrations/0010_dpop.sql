-- The DPoP key (its thumbprint) that a code, a device code or a sign-in is bound to; null: none.
ALTER TABLE authorization_codes ADD COLUMN dpop_jkt TEXT;
ALTER TABLE device_grants ADD COLUMN dpop_jkt TEXT;
ALTER TABLE authorizations ADD COLUMN dpop_jkt TEXT;
