-- Every device of everybody who has a seat under it.
INSERT INTO pushes (device_id)
SELECT DISTINCT devices.id FROM seats JOIN devices ON devices.user_id = seats.user_id
WHERE seats.subscription_id = ?1 AND devices.released_at IS NULL
