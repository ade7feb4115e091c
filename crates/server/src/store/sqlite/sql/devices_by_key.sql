SELECT id FROM devices WHERE jkt = ?1
