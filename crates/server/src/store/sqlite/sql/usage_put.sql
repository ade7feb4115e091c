-- Of products that there are, and no more sums of a user's day than any agents have to tell. Those that there are may rise.
INSERT INTO usage (device_id, product, version, day, since, user_id, device_name, minutes)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
WHERE EXISTS (SELECT 1 FROM products WHERE key = ?2)
  AND ?4 BETWEEN ?9 AND ?10
  AND ((SELECT count(*) FROM usage WHERE user_id = ?6 AND day = ?4) < 1000
       OR EXISTS (SELECT 1 FROM usage
                  WHERE device_id = ?1 AND product = ?2 AND version = ?3 AND day = ?4 AND since = ?5))
ON CONFLICT (device_id, product, version, day, since) DO UPDATE SET
    minutes = max(minutes, excluded.minutes), device_name = excluded.device_name
