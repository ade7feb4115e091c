UPDATE users SET organisation_id = ?2, removed_at = NULL WHERE id = ?1
