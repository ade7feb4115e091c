INSERT INTO subjects (issuer, subject, called)
VALUES (?1, ?2, coalesce(
    (SELECT called FROM identities JOIN subjects USING (issuer, subject) WHERE identities.user_id = ?4 LIMIT 1), ?3))
ON CONFLICT DO NOTHING
