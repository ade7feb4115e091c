SELECT EXISTS (SELECT 1 FROM holds WHERE organisation_id = ?1)
