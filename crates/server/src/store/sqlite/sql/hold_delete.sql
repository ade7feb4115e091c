DELETE FROM holds WHERE organisation_id = ?1
