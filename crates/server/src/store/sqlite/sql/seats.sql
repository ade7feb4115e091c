SELECT seats.id, users.email, seats.product, seats.subscription_id
FROM seats JOIN users ON users.id = seats.user_id
ORDER BY users.email, seats.product, seats.subscription_id
