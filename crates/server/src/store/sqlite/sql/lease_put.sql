INSERT INTO leases (device_id, product, subscription_id, since, exp, granted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (device_id, product) DO UPDATE SET
    subscription_id = excluded.subscription_id, since = excluded.since, exp = excluded.exp,
    granted_at = excluded.granted_at
