UPDATE users SET organisation_id = NULL, removed_at = coalesce(removed_at, ?2) WHERE id = ?1
