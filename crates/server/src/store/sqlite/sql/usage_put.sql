INSERT INTO usage (device_id, product, version, day, user_id, device_name, minutes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (device_id, product, version, day) DO UPDATE SET
    minutes = max(minutes, excluded.minutes), device_name = excluded.device_name
