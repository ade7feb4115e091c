-- The oldest agent version that is given leases; NULL for any.
ALTER TABLE service ADD COLUMN minimum_agent TEXT;
