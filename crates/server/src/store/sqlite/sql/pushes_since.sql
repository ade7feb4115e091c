SELECT id, device_id FROM pushes WHERE id > ?1 ORDER BY id LIMIT 1000
