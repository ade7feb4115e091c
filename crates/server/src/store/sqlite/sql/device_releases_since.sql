-- What was written while the clock was ahead is none of the day's.
SELECT count(*) FROM device_releases WHERE user_id = ?1 AND at > ?2 AND at <= ?3
