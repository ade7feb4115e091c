DELETE FROM leases
WHERE subscription_id = ?2 AND product = ?3
  AND device_id IN (SELECT id FROM devices WHERE user_id = ?1)
