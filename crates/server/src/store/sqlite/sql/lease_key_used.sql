UPDATE lease_keys SET last_exp = max(last_exp, ?2) WHERE kid = ?1
