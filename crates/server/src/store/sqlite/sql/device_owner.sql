-- Whose a device is, and whether somebody else than itself has given it up.
SELECT user_id, coalesce(released_by, 'device') <> 'device' FROM devices WHERE id = ?1
