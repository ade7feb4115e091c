-- All of a user's seats, or those of a product key or a subscription.
SELECT seats.id, users.email, seats.product, seats.subscription_id
FROM seats JOIN users ON users.id = seats.user_id
WHERE seats.user_id = ?1 AND (?2 IS NULL OR seats.product = ?2 OR seats.subscription_id = ?2)
ORDER BY seats.product, seats.subscription_id
