INSERT INTO lease_keys (kid, seed, created_at) VALUES (?1, ?2, ?3)
