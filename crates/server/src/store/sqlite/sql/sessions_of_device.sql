SELECT subscription_id FROM sessions WHERE device_id = ?1
