-- When the lease was signed: a release that was signed before says nothing about it.
ALTER TABLE leases ADD COLUMN granted_at INTEGER NOT NULL DEFAULT 0;
