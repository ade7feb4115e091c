SELECT id FROM organisations WHERE name = ?1
