UPDATE sessions SET heard_at = max(heard_at, ?2) WHERE device_id = ?1
