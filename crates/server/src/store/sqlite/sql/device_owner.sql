SELECT user_id, released_at FROM devices WHERE id = ?1
