INSERT INTO issuers (issuer, client_id, scopes, resource, audience, redirect_host, redirect_port, token_audience,
                     address_claim, trusted_audiences, prompt)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (issuer) DO UPDATE SET
    client_id = excluded.client_id, scopes = excluded.scopes, resource = excluded.resource,
    audience = excluded.audience, redirect_host = excluded.redirect_host, redirect_port = excluded.redirect_port,
    token_audience = excluded.token_audience, address_claim = excluded.address_claim,
    trusted_audiences = excluded.trusted_audiences, prompt = excluded.prompt, moved_to = NULL
