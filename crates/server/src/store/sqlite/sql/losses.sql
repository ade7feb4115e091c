-- The seats that users of an organisation lost, the oldest first.
SELECT seat_losses.seat_id, users.email
FROM seat_losses JOIN users ON users.id = seat_losses.user_id
WHERE seat_losses.organisation_id = ?1
ORDER BY seat_losses.assigned_at, users.email, seat_losses.seat_id
