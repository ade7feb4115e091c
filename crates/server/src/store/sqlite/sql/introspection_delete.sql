DELETE FROM issuer_introspection WHERE issuer = ?1
