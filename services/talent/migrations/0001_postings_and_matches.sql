-- What the postings' and the matcher's events tell, each aggregate at the highest version seen.

CREATE TABLE postings (
    posting_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    employer_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'closed')),
    title text NOT NULL,
    -- the whole posting as it was announced: another column can be filled without reading the
    -- topic again
    state jsonb NOT NULL
);

-- A withdrawn match stays as a tombstone: an older event that arrives late must find its version.
CREATE TABLE matches (
    match_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    posting_id uuid NOT NULL,
    seeker_id uuid NOT NULL,
    live boolean NOT NULL,
    for_posting boolean NOT NULL,
    score_ppm integer CHECK (score_ppm BETWEEN 0 AND 1000000),
    -- {"reason": …, "missing": […]} of the event
    explanation jsonb,
    model text,
    changed_at timestamptz NOT NULL,
    CHECK (live OR NOT for_posting),
    CHECK (num_nulls(score_ppm, explanation, model) = CASE WHEN live THEN 0 ELSE 3 END)
);

-- serves a posting's best candidates
CREATE INDEX matches_of_posting ON matches (posting_id, score_ppm DESC, seeker_id)
    WHERE for_posting;
