-- The same machine, as it was known while its user signed in at an issuer that was moved. Others may have the same name: of those that
-- hold a place, and of whose session nobody has heard lately, it is most likely the one that was unseen for longest.
SELECT id FROM devices
WHERE user_id = ?1 AND name = ?2 AND system = ?3 AND released_at IS NULL
  AND issuer IN (SELECT issuer FROM issuers WHERE moved_to IS NOT NULL)
  AND EXISTS (SELECT 1 FROM leases WHERE leases.device_id = devices.id AND leases.exp > ?4)
  AND NOT EXISTS (SELECT 1 FROM sessions JOIN subscriptions ON subscriptions.id = sessions.subscription_id
                  WHERE sessions.device_id = devices.id
                    AND sessions.heard_at + (subscriptions.policy ->> '$.session_ttl') > ?4)
ORDER BY last_seen, created_at, id LIMIT 1
