INSERT INTO leases (device_id, product, subscription_id, since, exp) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (device_id, product) DO UPDATE SET
    subscription_id = excluded.subscription_id, since = excluded.since, exp = excluded.exp
