SELECT id, email, organisation_id, claimed_email, removed_at IS NOT NULL, to_confirm FROM users WHERE email = ?1
