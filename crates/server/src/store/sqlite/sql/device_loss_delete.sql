DELETE FROM device_losses WHERE device_id = ?1 AND product = ?2
