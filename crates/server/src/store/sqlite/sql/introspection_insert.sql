INSERT INTO issuer_introspection (issuer, client_id, secret, audience_optional) VALUES (?1, ?2, ?3, ?4)
