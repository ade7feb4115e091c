SELECT issuers.issuer, issuers.client_id, scopes, resource, audience, redirect_host, redirect_port, token_audience,
       (SELECT json_group_array(domain ORDER BY domain) FROM issuer_domains WHERE issuer_domains.issuer = issuers.issuer),
       moved_to, issuer_introspection.client_id, secret, audience_optional, address_claim,
       trusted_audiences, prompt
FROM issuers LEFT JOIN issuer_introspection ON issuer_introspection.issuer = issuers.issuer
ORDER BY moved_to IS NOT NULL, EXISTS (SELECT 1 FROM issuer_domains WHERE issuer_domains.issuer = issuers.issuer),
         issuers.issuer
