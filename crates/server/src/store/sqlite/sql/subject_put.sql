INSERT INTO subjects (issuer, subject, called) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
