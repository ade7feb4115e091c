INSERT INTO naming (id, key) VALUES (1, ?1)
