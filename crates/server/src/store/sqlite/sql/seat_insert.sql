INSERT INTO seats (id, user_id, subscription_id, product, assigned_at) VALUES (?1, ?2, ?3, ?4, ?5)
