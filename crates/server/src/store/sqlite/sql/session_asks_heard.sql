UPDATE session_asks SET heard_at = ?2 WHERE device_id = ?1
