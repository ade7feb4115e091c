DELETE FROM seats WHERE id = ?1
