INSERT INTO root_keys (kid, jwk, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
