SELECT issuer FROM issuer_domains WHERE domain = ?1
