-- Sums of use that began apart are added: who signs out and in again begins anew.
CREATE TABLE usage_sums (
    device_id   TEXT NOT NULL,
    product     TEXT NOT NULL,
    version     TEXT NOT NULL,
    day         TEXT NOT NULL,          -- UTC, YYYY-MM-DD
    since       INTEGER NOT NULL,       -- when the device began the sum, in its milliseconds
    user_id     TEXT NOT NULL,
    device_name TEXT NOT NULL,
    minutes     INTEGER NOT NULL,
    PRIMARY KEY (device_id, product, version, day, since)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_sums SELECT device_id, product, version, day, 0, user_id, device_name, minutes FROM usage;
DROP TABLE usage;
ALTER TABLE usage_sums RENAME TO usage;
CREATE INDEX usage_by_day ON usage (day);

-- What a new subject is called follows from its name and this key, so that a database that was restored from a backup gives
-- those whom it has forgotten the names that their leases have.
CREATE TABLE naming (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    key         BLOB NOT NULL
) STRICT;
