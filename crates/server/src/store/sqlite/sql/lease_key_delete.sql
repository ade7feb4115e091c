DELETE FROM lease_keys WHERE kid = ?1 AND retired_at IS NOT NULL
