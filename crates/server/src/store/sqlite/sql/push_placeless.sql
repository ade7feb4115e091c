-- Devices of the same user that hold no place where this one does: they may wait for the one that it gives up.
INSERT INTO pushes (device_id)
SELECT DISTINCT others.id FROM leases
JOIN devices ON devices.id = leases.device_id
JOIN devices AS others ON others.user_id = devices.user_id AND others.id <> devices.id AND others.released_at IS NULL
WHERE leases.device_id = ?1
  AND NOT EXISTS (SELECT 1 FROM leases AS theirs
                  WHERE theirs.device_id = others.id AND theirs.subscription_id = leases.subscription_id
                    AND theirs.exp > ?2)
