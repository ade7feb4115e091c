-- What the user has lost, and whether the device was told so.
SELECT seat_losses.seat_id, seat_losses.subscription_id, seat_losses.product, device_losses.device_id IS NOT NULL
FROM seat_losses
LEFT JOIN device_losses ON device_losses.product = seat_losses.product AND device_losses.device_id = ?2
WHERE seat_losses.user_id = ?1
