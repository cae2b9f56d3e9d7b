-- One shard of the matcher: the documents it read from the bus, and the matches that are live.
--
--   postings      open -> closed (final; the row stays, so that an older event is known as older)
--   seekers       looking <-> withdrawn (the profile is erased, the version stays)
--   certificates  what a seeker holds in force; may arrive before the profile
--   matches       live <-> withdrawn (the row stays, so that the pair's versions only grow)
--
-- matches is a function of the other tables and of the shard's row; whatever breaks that can be
-- mended by computing it again.

-- A fitted model, its own limits in it. Kept for ever: a stored vector names the one that made it.
CREATE TABLE models (
    version text PRIMARY KEY CHECK (version ~ '^[0-9a-f]{16}$'),
    artefact bytea NOT NULL,
    active boolean NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);

-- at most one is in force
CREATE UNIQUE INDEX models_active ON models (active) WHERE active;

-- The one row of this shard.
--
-- epoch: grows with each process that takes the shard; one that was overtaken can write no more.
-- The rest says what the live matches were computed with: the model under the limits in force,
-- those limits, and the code (a hash). All absent until they were computed once.
CREATE TABLE shard (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    model text CHECK (model ~ '^[0-9a-f]{16}$'),
    tau_ppm integer CHECK (tau_ppm BETWEEN 0 AND 1000000),
    k_s integer CHECK (k_s >= 0),
    k_p integer CHECK (k_p >= 0),
    rules text CHECK (rules ~ '^[0-9a-f]{64}$'),
    CHECK (num_nulls(model, tau_ppm, k_s, k_p, rules) IN (0, 5))
);
INSERT INTO shard DEFAULT VALUES;

-- terms, terms_model: the term vector of the text and the model that made it, so that a start need
-- not read every text again.
CREATE TABLE postings (
    posting_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version >= 1),
    open boolean NOT NULL,
    document jsonb NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    terms bytea,
    terms_model text,
    CHECK (open = (terms IS NOT NULL)),
    CHECK ((terms IS NULL) = (terms_model IS NULL))
);

-- serves the start, which reads the open postings in order of id
CREATE INDEX postings_open ON postings (posting_id) WHERE open;

CREATE TABLE seekers (
    seeker_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version >= 1),
    looking boolean NOT NULL,
    document jsonb CHECK (jsonb_typeof(document) = 'object'),
    terms bytea,
    terms_model text,
    CHECK (looking = (document IS NOT NULL)),
    CHECK (looking = (terms IS NOT NULL)),
    CHECK ((terms IS NULL) = (terms_model IS NULL))
);

-- serves the start, which reads those who are looking in order of id
CREATE INDEX seekers_looking ON seekers (seeker_id) WHERE looking;

-- No reference to seekers: the two topics keep no order between each other.
CREATE TABLE certificates (
    seeker_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version >= 1),
    held jsonb NOT NULL CHECK (jsonb_typeof(held) = 'array')
);

-- digest: SHA-256 of what the last event said of the pair, its version and model aside, so that
-- having nothing new to say is seen without keeping what was said. model: the one it named.
CREATE TABLE matches (
    match_id uuid PRIMARY KEY,
    seeker_id uuid NOT NULL REFERENCES seekers,
    posting_id uuid NOT NULL REFERENCES postings,
    version integer NOT NULL CHECK (version >= 1),
    live boolean NOT NULL,
    score_ppm integer CHECK (score_ppm BETWEEN 0 AND 1000000),
    for_seeker boolean NOT NULL,
    for_posting boolean NOT NULL,
    digest bytea CHECK (length(digest) = 32),
    model text NOT NULL CHECK (model ~ '^[0-9a-f]{16}$'),
    CHECK (live = (for_seeker OR for_posting)),
    CHECK (live = (score_ppm IS NOT NULL)),
    CHECK (live = (digest IS NOT NULL))
);
