UPDATE issuers SET moved_to = ?2 WHERE issuer = ?1
