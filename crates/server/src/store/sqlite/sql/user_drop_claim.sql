UPDATE users SET claimed_email = NULL WHERE id = ?1
