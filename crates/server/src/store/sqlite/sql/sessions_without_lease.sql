-- Sessions of a device that has given up every lease of their subscription.
SELECT subscription_id FROM sessions
WHERE device_id = ?1
  AND NOT EXISTS (SELECT 1 FROM leases
                  WHERE leases.device_id = ?1 AND leases.subscription_id = sessions.subscription_id)
