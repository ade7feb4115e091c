-- The same machine, as it was known while its user signed in at an issuer that was moved.
SELECT id FROM devices
WHERE user_id = ?1 AND name = ?2 AND system = ?3 AND released_at IS NULL
  AND issuer IN (SELECT issuer FROM issuers WHERE moved_to IS NOT NULL)
