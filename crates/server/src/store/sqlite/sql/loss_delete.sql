DELETE FROM seat_losses WHERE user_id = ?1 AND subscription_id = ?2 AND product = ?3
