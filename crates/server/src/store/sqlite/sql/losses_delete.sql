DELETE FROM seat_losses WHERE organisation_id = ?1
