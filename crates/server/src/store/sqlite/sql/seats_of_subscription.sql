SELECT seats.id, users.email, seats.product FROM seats JOIN users ON users.id = seats.user_id WHERE seats.subscription_id = ?1
