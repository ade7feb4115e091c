INSERT INTO usage (device_id, product, version, day, since, user_id, device_name, minutes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (device_id, product, version, day, since) DO UPDATE SET
    minutes = max(minutes, excluded.minutes), device_name = excluded.device_name
