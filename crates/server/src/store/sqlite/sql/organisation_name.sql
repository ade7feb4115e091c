SELECT name FROM organisations WHERE id = ?1
