-- Gives a lost seat back, if its subscription has one left.
INSERT OR IGNORE INTO seats (id, user_id, subscription_id, product, assigned_at)
SELECT seat_id, user_id, subscription_id, product, assigned_at
FROM seat_losses JOIN subscriptions ON subscriptions.id = seat_losses.subscription_id
WHERE seat_id = ?1
  AND (subscriptions.seats IS NULL OR subscriptions.seats >
       (SELECT count(*) FROM seats
        WHERE seats.subscription_id = seat_losses.subscription_id AND seats.product = seat_losses.product))
