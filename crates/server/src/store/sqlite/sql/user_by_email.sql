SELECT id, email, organisation_id FROM users WHERE email = ?1
