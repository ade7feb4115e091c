-- Those of them who have lost a seat, and have no other one of the product under a subscription that runs at ?3.
SELECT count(DISTINCT seat_losses.user_id) FROM seat_losses JOIN devices ON devices.user_id = seat_losses.user_id
WHERE seat_losses.organisation_id = ?1 AND devices.last_seen > ?2
  AND NOT EXISTS (SELECT 1 FROM seats JOIN subscriptions ON subscriptions.id = seats.subscription_id
                  WHERE seats.user_id = seat_losses.user_id AND seats.product = seat_losses.product
                    AND (subscriptions.ends_at IS NULL OR subscriptions.ends_at > ?3))
