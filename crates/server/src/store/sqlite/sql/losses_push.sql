INSERT INTO pushes (device_id)
SELECT DISTINCT devices.id FROM seat_losses JOIN devices ON devices.user_id = seat_losses.user_id
WHERE seat_losses.organisation_id = ?1 AND devices.released_at IS NULL
