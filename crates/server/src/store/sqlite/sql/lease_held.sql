SELECT subscription_id FROM leases WHERE device_id = ?1 AND product = ?2 AND exp > ?3
