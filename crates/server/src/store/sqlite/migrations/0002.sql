-- How an issuer is asked about its opaque access tokens (RFC 7662). An issuer without a row gives JWTs.
CREATE TABLE issuer_introspection (
    issuer            TEXT PRIMARY KEY REFERENCES issuers ON DELETE CASCADE,
    client_id         TEXT NOT NULL,
    secret            TEXT NOT NULL,
    audience_optional INTEGER NOT NULL
) STRICT;

-- The issuer that took its place (`issuer move`). It owns no domain any more, and is not the vendor's.
ALTER TABLE issuers ADD COLUMN moved_to TEXT;

-- A proven address that was somebody else's when it was proven.
ALTER TABLE users ADD COLUMN claimed_email TEXT;
-- 1 where the user was removed and added again: it is the same person only if the same subject proves the address once more.
ALTER TABLE users ADD COLUMN to_confirm INTEGER NOT NULL DEFAULT 0;

-- Whose token came with the device's last check.
ALTER TABLE devices ADD COLUMN issuer TEXT;
UPDATE devices SET issuer = (SELECT max(issuer) FROM identities WHERE identities.user_id = devices.user_id);

-- What a subject is called in leases and refusals. Written once: its devices take no answer to somebody else.
CREATE TABLE subjects (
    issuer      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    called      TEXT NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO subjects SELECT issuer, subject, user_id FROM identities;
