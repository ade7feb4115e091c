SELECT jwk FROM root_keys ORDER BY created_at DESC, kid
