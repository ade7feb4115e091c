SELECT usage.day, users.email, usage.device_name, usage.product, usage.version, usage.minutes
FROM usage LEFT JOIN users ON users.id = usage.user_id
WHERE ?1 IS NULL OR usage.day >= ?1
ORDER BY usage.day, users.email, usage.product, usage.version, usage.device_name
