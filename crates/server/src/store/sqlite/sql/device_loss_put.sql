-- The device is told that its user has lost the product: it had a lease, or had none yet.
INSERT OR IGNORE INTO device_losses (device_id, product)
SELECT ?2, ?3
WHERE EXISTS (SELECT 1 FROM leases WHERE device_id = ?2 AND product = ?3)
   OR EXISTS (SELECT 1 FROM seat_losses WHERE user_id = ?1 AND product = ?3)
