-- What was lost long ago, and is not held, is lost.
DELETE FROM seat_losses WHERE lost_at <= ?1 AND organisation_id NOT IN (SELECT organisation_id FROM holds)
