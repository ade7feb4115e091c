-- Whether nobody comes under this id any more: it is released or forgotten, or whoever came last under it is another user now.
SELECT NOT EXISTS (
    SELECT 1 FROM devices
    JOIN identities ON identities.user_id = devices.user_id AND identities.issuer = devices.issuer
    WHERE devices.id = ?1 AND devices.released_at IS NULL)
