UPDATE session_asks SET asked_at = ?2 WHERE device_id = ?1
