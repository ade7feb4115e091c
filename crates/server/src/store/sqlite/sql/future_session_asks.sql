UPDATE session_asks SET asked_at = ?2
WHERE asked_at > ?2 AND device_id IN (SELECT id FROM devices WHERE user_id = ?1)
