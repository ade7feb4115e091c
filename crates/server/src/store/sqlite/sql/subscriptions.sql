SELECT subscriptions.id, organisations.name, subscriptions.seats, subscriptions.ends_at, subscriptions.policy,
       (SELECT json_group_array(product) FROM subscription_products WHERE subscription_id = subscriptions.id)
FROM subscriptions JOIN organisations ON organisations.id = subscriptions.organisation_id
WHERE ?1 IS NULL OR subscriptions.id = ?1
ORDER BY subscriptions.created_at, subscriptions.id
