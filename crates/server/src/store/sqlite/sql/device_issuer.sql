-- A key that served one user after another was last used for the last of them.
SELECT issuer FROM devices WHERE jkt = ?1 ORDER BY last_seen DESC, created_at DESC LIMIT 1
