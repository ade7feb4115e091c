-- What of an organisation covers a product key, or is the subscription of that id, and has not ended.
SELECT subscriptions.id, subscription_products.product, subscriptions.seats
FROM subscriptions JOIN subscription_products ON subscription_products.subscription_id = subscriptions.id
WHERE subscriptions.organisation_id = ?1
  AND (subscription_products.product = ?2 OR subscriptions.id = ?2)
  AND (subscriptions.ends_at IS NULL OR subscriptions.ends_at > ?3)
ORDER BY subscriptions.created_at, subscriptions.id, subscription_products.product
