INSERT INTO subscriptions (id, organisation_id, seats, ends_at, policy, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
