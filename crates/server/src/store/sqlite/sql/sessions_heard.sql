UPDATE sessions SET heard_at = ?2 WHERE device_id = ?1
