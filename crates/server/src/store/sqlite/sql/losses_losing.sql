-- Those of them who have lost a seat since ?3.
SELECT count(DISTINCT seat_losses.user_id) FROM seat_losses JOIN devices ON devices.user_id = seat_losses.user_id
WHERE seat_losses.organisation_id = ?1 AND devices.last_seen > ?2 AND seat_losses.lost_at > ?3
