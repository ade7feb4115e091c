-- A day has no more minutes than it has.
SELECT usage.day, users.email, max(usage.device_name), usage.product, usage.version, min(sum(usage.minutes), 24 * 60)
FROM usage LEFT JOIN users ON users.id = usage.user_id
WHERE ?1 IS NULL OR usage.day >= ?1
GROUP BY usage.day, usage.user_id, usage.product, usage.version, usage.device_id
ORDER BY usage.day, users.email, usage.product, usage.version, max(usage.device_name)
