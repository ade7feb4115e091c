UPDATE session_asks SET asked_at = min(asked_at, ?2), heard_at = min(heard_at, ?2)
WHERE max(asked_at, heard_at) > ?2 AND device_id IN (SELECT id FROM devices WHERE user_id = ?1)
