UPDATE devices SET released_at = coalesce(released_at, ?2), released_by = coalesce(released_by, ?3) WHERE id = ?1
