UPDATE seat_losses SET refused = ?3 WHERE user_id = ?1 AND product = ?2
