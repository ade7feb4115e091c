UPDATE users SET email = ?2, claimed_email = NULL WHERE id = ?1
