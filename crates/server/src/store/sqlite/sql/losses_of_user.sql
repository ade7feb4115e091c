-- What the user has lost, and whether the device was told so.
SELECT seat_losses.seat_id, seat_losses.subscription_id, seat_losses.product, loss_refusals.device_id IS NOT NULL
FROM seat_losses
LEFT JOIN loss_refusals ON loss_refusals.seat_id = seat_losses.seat_id AND loss_refusals.device_id = ?2
WHERE seat_losses.user_id = ?1
