INSERT INTO users (id, email, organisation_id, created_at) VALUES (?1, ?2, ?3, ?4)
