SELECT session_asks.subscription_id, devices.id, devices.name, devices.system, devices.last_seen,
       session_asks.asked_at, session_asks.heard_at
FROM session_asks JOIN devices ON devices.id = session_asks.device_id
WHERE devices.user_id = ?1 AND devices.released_at IS NULL
