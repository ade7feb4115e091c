-- Nobody any more: no subject, no organisation, and no address that an administrator would look for.
DELETE FROM users
WHERE id = ?1 AND organisation_id IS NULL AND (removed_at IS NULL OR email IS NULL)
  AND NOT EXISTS (SELECT 1 FROM identities WHERE user_id = ?1)
