SELECT issuer, client_id, scopes, resource, audience, redirect_host, redirect_port, token_audience,
       (SELECT json_group_array(domain ORDER BY domain) FROM issuer_domains WHERE issuer_domains.issuer = issuers.issuer)
FROM issuers
ORDER BY EXISTS (SELECT 1 FROM issuer_domains WHERE issuer_domains.issuer = issuers.issuer), issuer
