SELECT seat_id, subscription_id, product, refused FROM seat_losses WHERE user_id = ?1
