-- What people made of matches, to learn the weights of a score from. No match depends on it.
--
-- A row an event. parts: what each weight alone would have made of the pair when this shard heard of
-- it, in millionths by the weight's name; made_by: the model and the rules that found so. reason: a
-- code, never a text of somebody's. The rows of a seeker who withdraws go with the profile.
CREATE TABLE outcomes (
    event_id uuid PRIMARY KEY,
    seeker_id uuid NOT NULL,
    posting_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('declined', 'accepted', 'invited', 'hired')),
    reason text CHECK (reason ~ '^[a-z][a-z_]{0,39}$'),
    happened_at timestamptz NOT NULL,
    parts jsonb NOT NULL CHECK (jsonb_typeof(parts) = 'object'),
    made_by text NOT NULL,
    CHECK (reason IS NULL OR kind = 'declined')
);

-- serves the erasure, and the move to a shard of another count
CREATE INDEX outcomes_of_seeker ON outcomes (seeker_id);
