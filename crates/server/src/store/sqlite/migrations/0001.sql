-- Times are whole seconds since 1970-01-01T00:00:00Z.

CREATE TABLE service (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    url          TEXT,                  -- the public address; NULL until the service was first started with one
    url_derived  INTEGER NOT NULL,      -- 1 where it follows the address that is listened on
    document     TEXT,                  -- the keys document, signed by the root key
    document_iat INTEGER NOT NULL
) STRICT;

-- The public halves of the root keys that products pin.
CREATE TABLE root_keys (
    kid         TEXT PRIMARY KEY,
    jwk         TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE lease_keys (
    kid         TEXT PRIMARY KEY,
    seed        BLOB NOT NULL,          -- the private key
    created_at  INTEGER NOT NULL,
    retired_at  INTEGER,                -- NULL for the one that signs
    last_exp    INTEGER NOT NULL DEFAULT 0  -- when the last lease that it signed ends
) STRICT;

CREATE UNIQUE INDEX one_lease_key_signs ON lease_keys ((retired_at IS NULL)) WHERE retired_at IS NULL;

CREATE TABLE issuers (
    issuer         TEXT PRIMARY KEY,
    client_id      TEXT NOT NULL,
    scopes         TEXT NOT NULL,       -- JSON array
    resource       TEXT,
    audience       TEXT,
    redirect_host  TEXT NOT NULL,
    redirect_port  INTEGER,
    token_audience TEXT
) STRICT;

-- The e-mail domains that an issuer owns. The one issuer without any owns all the others.
CREATE TABLE issuer_domains (
    domain      TEXT PRIMARY KEY,
    issuer      TEXT NOT NULL REFERENCES issuers ON DELETE CASCADE
) STRICT;

CREATE TABLE organisations (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    contact     TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE products (
    key         TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    publisher   TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE subscriptions (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations,
    seats           INTEGER CHECK (seats > 0),  -- users for each product; NULL is no limit
    ends_at         INTEGER,                    -- exclusive
    policy          TEXT NOT NULL,              -- JSON, as it is signed into a lease
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX subscriptions_by_organisation ON subscriptions (organisation_id);

CREATE TABLE subscription_products (
    subscription_id TEXT NOT NULL REFERENCES subscriptions,
    product         TEXT NOT NULL REFERENCES products,
    entitlements    TEXT NOT NULL,              -- JSON array
    PRIMARY KEY (subscription_id, product)
) STRICT, WITHOUT ROWID;

CREATE INDEX subscriptions_by_product ON subscription_products (product);

CREATE TABLE users (
    id              TEXT PRIMARY KEY,
    email           TEXT UNIQUE,        -- small letters; NULL where no issuer has vouched for one
    organisation_id TEXT REFERENCES organisations,
    created_at      INTEGER NOT NULL,
    removed_at      INTEGER             -- the row stays, so that devices hear the refusal as the same user
) STRICT;

-- Who an issuer's subject is here. Written once; from then on it alone decides.
CREATE TABLE identities (
    issuer      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    user_id     TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    linked_at   INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (user_id, issuer)
) STRICT, WITHOUT ROWID;

CREATE TABLE seats (
    id              TEXT PRIMARY KEY,
    user_id         TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    subscription_id TEXT NOT NULL,
    product         TEXT NOT NULL,
    assigned_at     INTEGER NOT NULL,
    UNIQUE (user_id, subscription_id, product),
    FOREIGN KEY (subscription_id, product) REFERENCES subscription_products
) STRICT;

CREATE INDEX seats_by_subscription ON seats (subscription_id, product);

CREATE TABLE devices (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    jkt         TEXT NOT NULL,          -- thumbprint of the device key
    name        TEXT NOT NULL,
    system      TEXT NOT NULL,
    agent       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    released_at INTEGER,                -- NULL while it is in use
    UNIQUE (user_id, jkt)
) STRICT;

CREATE INDEX devices_by_key ON devices (jkt);

-- The last number that was given to a lease or refusal. Never goes back.
CREATE TABLE sequences (
    device_id   TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
    product     TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (device_id, product)
) STRICT, WITHOUT ROWID;

-- The last lease of each product on each device. One that is still good holds a place under its subscription.
CREATE TABLE leases (
    device_id       TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
    product         TEXT NOT NULL,
    subscription_id TEXT NOT NULL REFERENCES subscriptions,
    since           INTEGER NOT NULL,   -- when the device took its place
    exp             INTEGER NOT NULL,   -- exclusive
    PRIMARY KEY (device_id, product)
) STRICT, WITHOUT ROWID;
