DELETE FROM sessions WHERE subscription_id = ?1 AND device_id = ?2
