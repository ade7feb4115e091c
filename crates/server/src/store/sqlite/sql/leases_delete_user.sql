DELETE FROM leases WHERE device_id IN (SELECT id FROM devices WHERE user_id = ?1)
