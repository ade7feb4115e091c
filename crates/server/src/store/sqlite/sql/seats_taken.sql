SELECT count(*) FROM seats WHERE subscription_id = ?1 AND product = ?2
