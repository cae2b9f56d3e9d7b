-- A match as it was last heard of. Older events of it change nothing; so a withdrawn one stays as a
-- tombstone, and what was told of it stays with it: one notification a pair.
CREATE TABLE matches (
    match_id uuid PRIMARY KEY,
    seeker_id uuid NOT NULL,
    posting_id uuid NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    standing text NOT NULL CHECK (standing IN ('seen', 'unseen', 'gone')),
    score_ppm integer CHECK (score_ppm BETWEEN 0 AND 1000000),
    -- posting, reason and missing, as the event had them
    content jsonb CHECK (jsonb_typeof(content) = 'object'),
    -- the score that was told last; null: never told
    notified_ppm integer CHECK (notified_ppm BETWEEN 0 AND 1000000),
    heard_at timestamptz NOT NULL,

    CONSTRAINT live_says_why CHECK (
        (standing = 'gone') = (score_ppm IS NULL) AND (standing = 'gone') = (content IS NULL)
    )
);

-- serves the seeker's list: best first, equal scores by posting
CREATE INDEX matches_seen ON matches (seeker_id, score_ppm DESC, posting_id)
    WHERE standing = 'seen';

-- Where a seeker's feed stands. seq is counted here, under this row's lock, which is held until the
-- entry commits: so entries of one seeker commit in order of seq, and a reader that saw n has seen
-- all before it. A sequence would hand out numbers before commit, and a stream that remembers the
-- last one would step over a slow transaction's entry for ever.
CREATE TABLE feed_heads (
    seeker_id uuid PRIMARY KEY,
    last_seq bigint NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    -- entries up to here were removed, being old
    trimmed_seq bigint NOT NULL DEFAULT 0 CHECK (trimmed_seq BETWEEN 0 AND last_seq)
);

-- What a seeker is told, in order. The primary key serves the stream: what comes after seq.
CREATE TABLE feed (
    seeker_id uuid NOT NULL REFERENCES feed_heads ON DELETE CASCADE,
    seq bigint NOT NULL CHECK (seq >= 1),
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('found', 'improved', 'changed', 'withdrawn')),
    notify boolean NOT NULL,
    match_id uuid NOT NULL,
    posting_id uuid NOT NULL,
    match_version integer NOT NULL,
    score_ppm integer,
    content jsonb,
    PRIMARY KEY (seeker_id, seq),

    CONSTRAINT withdrawn_says_no_more CHECK (
        (kind = 'withdrawn') = (content IS NULL) AND (kind = 'withdrawn') = (score_ppm IS NULL)
    ),
    CONSTRAINT only_good_news_interrupts CHECK (
        CASE kind WHEN 'improved' THEN notify WHEN 'found' THEN true ELSE NOT notify END
    )
);

-- serves the job that removes old entries
CREATE INDEX feed_age ON feed (at);
