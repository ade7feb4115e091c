INSERT INTO products (key, name, publisher, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO NOTHING
