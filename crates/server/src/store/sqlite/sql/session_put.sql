INSERT INTO sessions (subscription_id, device_id, since, heard_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (subscription_id, device_id) DO UPDATE SET since = excluded.since, heard_at = excluded.heard_at
