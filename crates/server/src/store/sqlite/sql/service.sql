SELECT url, document, document_iat, url_derived FROM service
