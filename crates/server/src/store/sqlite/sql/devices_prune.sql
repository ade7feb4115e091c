-- Whose key was released by its user or an administrator is told so for ever, and is not forgotten.
DELETE FROM devices
WHERE user_id = ?1 AND id <> ?4 AND coalesce(released_by, 'device') = 'device'
  AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.device_id = devices.id AND leases.exp > ?2)
  AND id NOT IN (SELECT id FROM devices WHERE user_id = ?1 ORDER BY last_seen DESC, created_at DESC LIMIT ?3)
