UPDATE subscriptions SET policy = ?2 WHERE id = ?1
