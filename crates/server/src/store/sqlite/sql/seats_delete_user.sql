DELETE FROM seats WHERE user_id = ?1
