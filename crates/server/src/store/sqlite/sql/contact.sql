SELECT coalesce(contact, name) FROM organisations WHERE id = ?1
