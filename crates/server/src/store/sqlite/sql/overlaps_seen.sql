-- Both devices of an overlap have their session still: it lasts for as long as both were heard of.
UPDATE overlaps SET seen_at = max(seen_at, min(one.heard_at, other.heard_at))
FROM sessions AS one
JOIN sessions AS other ON other.subscription_id = one.subscription_id
WHERE overlaps.subscription_id = one.subscription_id
  AND overlaps.device_id = one.device_id AND overlaps.other_id = other.device_id
  AND overlaps.began_at = max(one.since, other.since)
