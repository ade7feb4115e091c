SELECT users.email, devices.name, sessions.subscription_id, sessions.since, sessions.heard_at
FROM sessions
JOIN devices ON devices.id = sessions.device_id
JOIN users ON users.id = devices.user_id
ORDER BY users.email, sessions.since, devices.id
