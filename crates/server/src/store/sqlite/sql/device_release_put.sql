INSERT OR IGNORE INTO device_releases (user_id, device_id, at) VALUES (?1, ?2, ?3)
