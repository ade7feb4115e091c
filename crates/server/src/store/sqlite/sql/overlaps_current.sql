-- Two devices of a user that have their session of a subscription at once: since when, and until when both were heard of.
SELECT one.subscription_id, one.device_id, other.device_id, max(one.since, other.since), min(one.heard_at, other.heard_at)
FROM sessions AS one
CROSS JOIN devices ON devices.id = one.device_id
CROSS JOIN devices AS others ON others.user_id = devices.user_id AND others.id > devices.id
CROSS JOIN sessions AS other ON other.subscription_id = one.subscription_id AND other.device_id = others.id
