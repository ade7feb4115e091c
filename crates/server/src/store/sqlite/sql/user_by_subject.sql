SELECT users.id, users.email, users.organisation_id, users.claimed_email, users.removed_at IS NOT NULL, users.to_confirm
FROM identities JOIN users ON users.id = identities.user_id
WHERE identities.issuer = ?1 AND identities.subject = ?2
