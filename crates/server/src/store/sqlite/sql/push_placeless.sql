-- Devices of the same user that have no place where this one does, and may wait for the one that it gives up: they hold no lease that is
-- good, or there are more that hold one than the subscription has places for, and they are among those that came last.
INSERT INTO pushes (device_id)
SELECT DISTINCT others.id FROM leases
JOIN subscriptions ON subscriptions.id = leases.subscription_id
JOIN devices ON devices.id = leases.device_id
JOIN devices AS others ON others.user_id = devices.user_id AND others.id <> devices.id AND others.released_at IS NULL
WHERE leases.device_id = ?1
  AND (NOT EXISTS (SELECT 1 FROM leases AS theirs
                   WHERE theirs.device_id = others.id AND theirs.subscription_id = leases.subscription_id
                     AND theirs.exp > ?2)
       OR (SELECT count(DISTINCT held.device_id) FROM leases AS held
           JOIN devices AS holders ON holders.id = held.device_id
           WHERE holders.user_id = devices.user_id AND held.subscription_id = leases.subscription_id
             AND held.exp > ?2) > (subscriptions.policy ->> '$.device_limit'))
