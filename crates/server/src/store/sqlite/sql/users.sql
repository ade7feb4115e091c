SELECT users.id, users.email, organisations.name, users.removed_at,
       (SELECT json_group_array(issuer ORDER BY issuer) FROM identities WHERE identities.user_id = users.id),
       users.claimed_email,
       (SELECT called FROM identities JOIN subjects USING (issuer, subject) WHERE identities.user_id = users.id LIMIT 1)
FROM users LEFT JOIN organisations ON organisations.id = users.organisation_id
ORDER BY users.email IS NULL, users.email, users.claimed_email, users.id
