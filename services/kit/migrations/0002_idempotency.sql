-- Answers that writes with an Idempotency-Key have given, written in the write's own transaction:
-- a row is there exactly if the write has happened. Kept for a day at least, then pruned.
CREATE TABLE idempotency (
    -- sha256 of the caller's subject: finds what must go when the caller's data is erased
    caller bytea NOT NULL CHECK (octet_length(caller) = 32),
    -- sha256 of method, path and key
    scope bytea NOT NULL CHECK (octet_length(scope) = 32),
    -- hmac-sha256 of what was asked, under the key: a key used for something else is refused
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    status smallint NOT NULL CHECK (status BETWEEN 200 AND 299),
    headers jsonb NOT NULL CHECK (jsonb_typeof(headers) = 'object'),
    body bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, scope)
);

-- serves pruning: the oldest first
CREATE INDEX idempotency_stored_at ON idempotency (stored_at);
