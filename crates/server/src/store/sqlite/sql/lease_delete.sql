DELETE FROM leases WHERE device_id = ?1 AND product = ?2
