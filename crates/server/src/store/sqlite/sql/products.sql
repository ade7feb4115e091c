SELECT key, name, publisher FROM products ORDER BY key
