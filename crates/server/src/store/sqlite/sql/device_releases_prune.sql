DELETE FROM device_releases WHERE user_id = ?1 AND (at <= ?2 OR at > ?3)
