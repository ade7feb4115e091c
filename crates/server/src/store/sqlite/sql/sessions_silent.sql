-- Sessions that nobody has heard of for the session_ttl of their subscription.
SELECT sessions.subscription_id, sessions.device_id
FROM sessions JOIN subscriptions ON subscriptions.id = sessions.subscription_id
WHERE sessions.heard_at + (subscriptions.policy ->> '$.session_ttl') <= ?1
