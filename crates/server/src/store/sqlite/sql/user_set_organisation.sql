UPDATE users SET
    organisation_id = ?2, removed_at = NULL, claimed_email = NULL,
    to_confirm = CASE WHEN removed_at IS NULL THEN to_confirm
                      ELSE EXISTS (SELECT 1 FROM identities WHERE identities.user_id = ?1) END
WHERE id = ?1
