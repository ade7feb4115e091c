SELECT devices.id, users.email, devices.name, devices.system, devices.agent, devices.last_seen, devices.released_at,
       (SELECT json_group_array(product) FROM leases WHERE leases.device_id = devices.id)
FROM devices JOIN users ON users.id = devices.user_id
WHERE ?1 IS NULL OR users.email = ?1
ORDER BY devices.last_seen DESC, devices.id
