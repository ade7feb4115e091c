DELETE FROM leases WHERE device_id = ?1 AND product = ?2 AND granted_at <= ?3
