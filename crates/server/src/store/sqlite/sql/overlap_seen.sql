UPDATE overlaps SET seen_at = max(seen_at, ?5)
WHERE subscription_id = ?1 AND device_id = ?2 AND other_id = ?3 AND began_at = ?4
