INSERT INTO holds (organisation_id, since) VALUES (?1, ?2) ON CONFLICT DO NOTHING
