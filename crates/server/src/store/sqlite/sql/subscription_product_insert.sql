INSERT INTO subscription_products (subscription_id, product, entitlements) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
