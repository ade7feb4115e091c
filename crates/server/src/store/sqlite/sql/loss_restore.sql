-- Gives a lost seat back.
INSERT OR IGNORE INTO seats (id, user_id, subscription_id, product, assigned_at)
SELECT seat_id, user_id, subscription_id, product, assigned_at FROM seat_losses WHERE seat_id = ?1
