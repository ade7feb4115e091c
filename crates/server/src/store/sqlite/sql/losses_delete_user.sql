DELETE FROM seat_losses WHERE user_id = ?1
