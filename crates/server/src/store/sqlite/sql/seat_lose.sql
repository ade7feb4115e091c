INSERT OR REPLACE INTO seat_losses
    (seat_id, user_id, subscription_id, product, organisation_id, assigned_at, lost_at)
SELECT seats.id, seats.user_id, seats.subscription_id, seats.product, subscriptions.organisation_id, seats.assigned_at, ?2
FROM seats JOIN subscriptions ON subscriptions.id = seats.subscription_id
WHERE seats.id = ?1
