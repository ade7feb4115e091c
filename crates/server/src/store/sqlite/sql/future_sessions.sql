UPDATE sessions SET heard_at = ?2
WHERE heard_at > ?2 AND device_id IN (SELECT id FROM devices WHERE user_id = ?1)
