SELECT subscriptions.id, organisations.name, organisations.contact, subscriptions.policy, subscriptions.ends_at,
       subscription_products.entitlements, seats.id
FROM subscription_products
JOIN subscriptions ON subscriptions.id = subscription_products.subscription_id
JOIN organisations ON organisations.id = subscriptions.organisation_id
LEFT JOIN seats ON seats.subscription_id = subscriptions.id
               AND seats.product = subscription_products.product
               AND seats.user_id = ?1
WHERE subscription_products.product = ?3 AND subscriptions.organisation_id = ?2
ORDER BY subscriptions.created_at DESC, subscriptions.id
