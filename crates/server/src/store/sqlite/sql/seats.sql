SELECT seats.id, users.email, seats.product, seats.subscription_id
FROM seats JOIN users ON users.id = seats.user_id
WHERE (?1 IS NULL OR seats.user_id = ?1) AND (?2 IS NULL OR seats.product = ?2 OR seats.subscription_id = ?2)
ORDER BY users.email, seats.product, seats.subscription_id
