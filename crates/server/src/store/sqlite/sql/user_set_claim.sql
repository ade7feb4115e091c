UPDATE users SET claimed_email = ?2 WHERE id = ?1
