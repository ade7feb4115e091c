-- The seats that users of an organisation lost, the oldest first, and how many their subscriptions have for each product.
SELECT seat_losses.seat_id, users.email, seat_losses.product, seat_losses.subscription_id, subscriptions.seats
FROM seat_losses
JOIN users ON users.id = seat_losses.user_id
JOIN subscriptions ON subscriptions.id = seat_losses.subscription_id
WHERE seat_losses.organisation_id = ?1
ORDER BY seat_losses.assigned_at, users.email, seat_losses.seat_id
