-- Events that were committed with the state they tell of and wait to be sent.
-- A row is deleted once Kafka has acknowledged it; one that Kafka will never take is kept,
-- with the reason, and does not hold up the others.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    refused text
);

-- serves the relay: the next events to send, oldest first
CREATE INDEX outbox_waiting ON outbox (id) WHERE refused IS NULL;
