UPDATE subscriptions SET ends_at = ?2 WHERE id = ?1
