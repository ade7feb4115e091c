INSERT INTO session_asks (subscription_id, device_id, asked_at, heard_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (subscription_id, device_id) DO UPDATE SET asked_at = excluded.asked_at, heard_at = excluded.heard_at
