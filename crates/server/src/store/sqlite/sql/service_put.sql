INSERT INTO service (id, url, document, document_iat, url_derived) VALUES (1, ?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET
    url = excluded.url, document = excluded.document, document_iat = excluded.document_iat,
    url_derived = excluded.url_derived
