DELETE FROM session_asks WHERE device_id = ?1
