SELECT users.id, users.email, users.organisation_id
FROM identities JOIN users ON users.id = identities.user_id
WHERE identities.issuer = ?1 AND identities.subject = ?2
