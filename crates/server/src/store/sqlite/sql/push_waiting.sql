-- Devices of the same user that wait for a session of the subscription.
INSERT INTO pushes (device_id)
SELECT session_asks.device_id FROM session_asks
JOIN devices ON devices.id = session_asks.device_id
WHERE session_asks.subscription_id = ?1 AND devices.user_id = (SELECT user_id FROM devices WHERE id = ?2)
