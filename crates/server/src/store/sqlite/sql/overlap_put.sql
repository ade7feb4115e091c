INSERT INTO overlaps (subscription_id, user_id, device_id, other_id, began_at, seen_at)
VALUES (?1, (SELECT user_id FROM devices WHERE id = ?2), ?2, ?3, ?4, ?5)
ON CONFLICT (subscription_id, device_id, other_id, began_at) DO UPDATE SET seen_at = excluded.seen_at
