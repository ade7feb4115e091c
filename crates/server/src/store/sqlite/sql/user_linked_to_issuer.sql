SELECT EXISTS (SELECT 1 FROM identities WHERE user_id = ?1 AND issuer = ?2)
