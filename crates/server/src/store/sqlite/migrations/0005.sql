-- The claim that holds a user's address, where the issuer's word for it is enough; email, with email_verified, where it is NULL.
ALTER TABLE issuers ADD COLUMN address_claim TEXT;
