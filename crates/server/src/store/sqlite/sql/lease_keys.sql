SELECT kid, seed, created_at, retired_at, last_exp FROM lease_keys
ORDER BY retired_at IS NULL DESC, retired_at DESC, created_at DESC
