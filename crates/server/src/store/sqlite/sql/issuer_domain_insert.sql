INSERT INTO issuer_domains (domain, issuer) VALUES (?1, ?2)
