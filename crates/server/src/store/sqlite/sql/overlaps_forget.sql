DELETE FROM overlaps WHERE began_at <= ?1 AND seen_at <= ?1
