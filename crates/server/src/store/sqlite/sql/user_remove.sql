UPDATE users SET organisation_id = NULL, to_confirm = 0, removed_at = coalesce(removed_at, ?2) WHERE id = ?1
