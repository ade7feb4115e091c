UPDATE session_asks SET asked_at = max(asked_at, ?2) WHERE device_id = ?1
