SELECT devices.id, devices.name, devices.system, devices.last_seen,
       EXISTS (SELECT 1 FROM leases WHERE leases.device_id = devices.id AND leases.exp > ?2),
       EXISTS (SELECT 1 FROM sessions WHERE sessions.device_id = devices.id)
FROM devices
WHERE devices.user_id = ?1 AND devices.released_at IS NULL
ORDER BY devices.last_seen DESC, devices.created_at DESC, devices.name, devices.id
