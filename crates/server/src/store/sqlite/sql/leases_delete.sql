DELETE FROM leases WHERE device_id = ?1
