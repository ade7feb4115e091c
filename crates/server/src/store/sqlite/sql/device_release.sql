UPDATE devices SET released_at = coalesce(released_at, ?2) WHERE id = ?1
