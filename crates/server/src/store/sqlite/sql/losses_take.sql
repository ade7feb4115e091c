-- An administrator takes away what a user has lost of a product key or a subscription: there is nothing to give back.
DELETE FROM seat_losses WHERE user_id = ?1 AND (product = ?2 OR subscription_id = ?2)
RETURNING seat_id, product, subscription_id
