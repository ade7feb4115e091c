SELECT devices.user_id, devices.id, devices.released_at
FROM identities JOIN devices ON devices.user_id = identities.user_id
WHERE identities.issuer = ?1 AND identities.subject = ?2 AND devices.jkt = ?3
