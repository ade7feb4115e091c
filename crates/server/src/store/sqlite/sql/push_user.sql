INSERT INTO pushes (device_id)
SELECT id FROM devices WHERE user_id = ?1 AND released_at IS NULL
