SELECT id, released_at FROM devices WHERE user_id = ?1 AND jkt = ?2
