INSERT INTO pushes (device_id) VALUES (?1)
