-- The device is told that the user has lost their seats of the product.
INSERT OR IGNORE INTO loss_refusals (seat_id, device_id)
SELECT seat_id, ?3 FROM seat_losses WHERE user_id = ?1 AND product = ?2
