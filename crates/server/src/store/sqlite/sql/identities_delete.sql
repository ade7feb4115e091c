DELETE FROM identities WHERE user_id = ?1
