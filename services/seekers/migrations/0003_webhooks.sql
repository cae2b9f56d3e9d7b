-- Where a seeker's notifications are posted to. The secret is kept as it is: to sign with it, it
-- must be read (a digest would not do).
CREATE TABLE webhooks (
    seeker_id uuid PRIMARY KEY,
    url text NOT NULL CHECK (char_length(url) BETWEEN 1 AND 2000),
    -- scheme, host and port of url: what concurrency is limited by
    target text NOT NULL CHECK (target <> ''),
    secret bytea NOT NULL CHECK (length(secret) BETWEEN 24 AND 64),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

-- One notification on its way to a webhook; written with the feed entry that it tells of.
--
--   (notify) ─→ pending ──(2xx)──→ done
--                │  ↑ └──(410, or the last try fails)──→ dead
--                └──┘ (a try fails: due later)           │
--                ↑──────────────(replay)─────────────────┘ (done too)
CREATE TABLE webhook_deliveries (
    seeker_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    seq bigint NOT NULL,
    target text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
    -- a try is counted as it begins: one that kills the process counts too
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- when the next try is due; while one is under way, when it counts as lost
    due_at timestamptz NOT NULL,
    tried_at timestamptz,
    -- what came of the last try: the answer's status, or a stable code
    status smallint,
    fault text,
    PRIMARY KEY (seeker_id, seq),
    FOREIGN KEY (seeker_id, seq) REFERENCES feed ON DELETE CASCADE
);

-- serves the sender: what is due, for each target apart
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (target, due_at)
    WHERE state = 'pending';

-- serves the seeker's list of one state, newest first
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (seeker_id, state, seq DESC);
