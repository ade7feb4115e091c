DELETE FROM issuer_domains WHERE issuer = ?1
