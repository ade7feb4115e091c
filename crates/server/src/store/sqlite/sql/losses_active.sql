-- Users of the organisation who have checked since ?2.
SELECT count(DISTINCT users.id) FROM users JOIN devices ON devices.user_id = users.id
WHERE users.organisation_id = ?1 AND devices.last_seen > ?2
