-- Whoever waits for a session keeps the turn that asked_at gives, and waits for as long as it is heard of.
ALTER TABLE session_asks ADD COLUMN heard_at INTEGER NOT NULL DEFAULT 0;
UPDATE session_asks SET heard_at = asked_at;
CREATE INDEX session_asks_by_device ON session_asks (device_id);
