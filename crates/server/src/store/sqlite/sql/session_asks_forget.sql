-- Whoever was not heard of for ?2 seconds, and for the session_ttl of the subscription, waits no more.
DELETE FROM session_asks
WHERE heard_at + max(?2, (SELECT policy ->> '$.session_ttl' FROM subscriptions
                          WHERE subscriptions.id = session_asks.subscription_id)) <= ?1
