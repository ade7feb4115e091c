SELECT sessions.subscription_id, devices.id, devices.name, devices.system, devices.last_seen,
       sessions.since, sessions.heard_at
FROM sessions JOIN devices ON devices.id = sessions.device_id
WHERE devices.user_id = ?1
