SELECT users.email, overlaps.subscription_id, one.name, other.name, overlaps.began_at, overlaps.seen_at
FROM overlaps
JOIN users ON users.id = overlaps.user_id
LEFT JOIN devices AS one ON one.id = overlaps.device_id
LEFT JOIN devices AS other ON other.id = overlaps.other_id
ORDER BY overlaps.began_at DESC, users.email
