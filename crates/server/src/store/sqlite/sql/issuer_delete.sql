DELETE FROM issuers WHERE issuer = ?1
