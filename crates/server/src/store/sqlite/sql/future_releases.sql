UPDATE devices SET released_at = ?2 WHERE user_id = ?1 AND released_at > ?2
