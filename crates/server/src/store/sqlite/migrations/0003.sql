-- Who gave a device up: 'device' by its own key (a reset), 'user' from another device, 'admin'.
ALTER TABLE devices ADD COLUMN released_by TEXT;
UPDATE devices SET released_by = 'admin' WHERE released_at IS NOT NULL;

-- Devices that users released from another one: so many a day (rule 10).
CREATE TABLE device_releases (
    user_id     TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    device_id   TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (user_id, at, device_id)
) STRICT, WITHOUT ROWID;

-- Sessions of a subscription (rule 11): one device of a user, but for `report`. It counts until session_ttl after heard_at.
CREATE TABLE sessions (
    subscription_id TEXT NOT NULL REFERENCES subscriptions,
    device_id       TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
    since           INTEGER NOT NULL,
    heard_at        INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_device ON sessions (device_id);

-- Devices that wait for a session that another one holds.
CREATE TABLE session_asks (
    subscription_id TEXT NOT NULL REFERENCES subscriptions,
    device_id       TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
    asked_at        INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, device_id)
) STRICT, WITHOUT ROWID;

-- Two devices of a user that ran at once under `report`, for the administrator. Names, because devices are forgotten.
CREATE TABLE overlaps (
    subscription_id TEXT NOT NULL REFERENCES subscriptions,
    user_id         TEXT NOT NULL,
    device_id       TEXT NOT NULL,
    other_id        TEXT NOT NULL,
    began_at        INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, device_id, other_id, began_at)
) STRICT, WITHOUT ROWID;

-- Minutes that a product was used online (rule 12). Sent again and again as the sum of the day, so that the highest counts.
-- They outlive the device, and the user's seat.
CREATE TABLE usage (
    device_id   TEXT NOT NULL,
    product     TEXT NOT NULL,
    version     TEXT NOT NULL,
    day         TEXT NOT NULL,          -- UTC, YYYY-MM-DD
    user_id     TEXT NOT NULL,
    device_name TEXT NOT NULL,
    minutes     INTEGER NOT NULL,
    PRIMARY KEY (device_id, product, version, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_by_day ON usage (day);

-- Devices that are to check now: whoever serves their streams reads this.
CREATE TABLE pushes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id   TEXT NOT NULL
) STRICT;

CREATE INDEX pushes_by_device ON pushes (device_id);

-- The last push when the device checked: those after it are news to it.
ALTER TABLE devices ADD COLUMN push_seen INTEGER NOT NULL DEFAULT 0;

-- Seats that were lost by no administrator's own action (rule 18), until they are given back or confirmed.
CREATE TABLE seat_losses (
    seat_id         TEXT PRIMARY KEY,
    user_id         TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    subscription_id TEXT NOT NULL,
    product         TEXT NOT NULL,
    organisation_id TEXT NOT NULL REFERENCES organisations,
    assigned_at     INTEGER NOT NULL,
    lost_at         INTEGER NOT NULL,
    refused         INTEGER NOT NULL DEFAULT 0  -- 1 where a device was told so
) STRICT;

CREATE INDEX seat_losses_by_organisation ON seat_losses (organisation_id, lost_at);

-- Organisations whose losses are held back until an administrator confirms.
CREATE TABLE holds (
    organisation_id TEXT PRIMARY KEY REFERENCES organisations,
    since           INTEGER NOT NULL,
    lost            INTEGER NOT NULL,   -- users who would lose their seats
    active          INTEGER NOT NULL    -- of so many active ones
) STRICT;
