-- The claim that holds a user's address, where the issuer's word for it is enough; email, with email_verified, where it is NULL.
ALTER TABLE issuers ADD COLUMN address_claim TEXT;
-- Whom its ID tokens may name beside the agents' client, as a JSON array.
ALTER TABLE issuers ADD COLUMN trusted_audiences TEXT NOT NULL DEFAULT '[]';
