UPDATE users SET to_confirm = 0 WHERE id = ?1
