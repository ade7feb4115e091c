SELECT called FROM subjects WHERE issuer = ?1 AND subject = ?2
