-- When one of the user's devices was last given up by somebody else than itself.
SELECT max(released_at) FROM devices WHERE user_id = ?1 AND released_by IN ('user', 'admin')
