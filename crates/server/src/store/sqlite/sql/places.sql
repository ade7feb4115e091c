SELECT leases.subscription_id, devices.id, devices.name, devices.system, devices.last_seen, min(leases.since)
FROM leases JOIN devices ON devices.id = leases.device_id
WHERE devices.user_id = ?1 AND leases.exp > ?2
GROUP BY leases.subscription_id, devices.id
