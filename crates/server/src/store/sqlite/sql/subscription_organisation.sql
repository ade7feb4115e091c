SELECT organisation_id FROM subscriptions WHERE id = ?1
