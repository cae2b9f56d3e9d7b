-- A skill named twice says nothing more. The door compares more generously (NFKC, case);
-- this is what holds whoever writes.
CREATE FUNCTION all_names_differ(named jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT count(*) = count(DISTINCT item ->> 'name') FROM jsonb_array_elements(named) AS item
    );

-- A posting as it stands; each change adds one to its version and one event to the outbox.
--
--   (publish) ─→ open ──(revise)──→ open
--                  └──(close | expire)──→ closed, for good
--
-- Rows are never deleted: the compacted topic keeps each posting's last event as long.
CREATE TABLE postings (
    posting_id uuid PRIMARY KEY,
    employer_id text NOT NULL CHECK (char_length(employer_id) BETWEEN 1 AND 255),
    -- the employer's own name for it, or one derived from the content of an imported line
    reference text CHECK (char_length(reference) BETWEEN 1 AND 100),
    version integer NOT NULL CHECK (version >= 1),
    status text NOT NULL CHECK (status IN ('open', 'closed')),
    closed_reason text CHECK (closed_reason IN ('employer', 'expired')),
    published_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,

    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    text text NOT NULL CHECK (char_length(text) <= 10000),
    occupation text CHECK (occupation ~ '^[1-8]-[0-9]{2}-[0-9]{2}-[0-9]{2}$'),
    county text NOT NULL CHECK (county ~ '^[1-9][0-9]{5}$' AND right(county, 2) <> '00'),
    remote boolean NOT NULL,
    pay_min integer NOT NULL CHECK (pay_min > 0),
    pay_max integer NOT NULL CHECK (pay_max >= pay_min),
    pay_unit text NOT NULL CHECK (pay_unit IN ('hour', 'day', 'month', 'year')),
    headcount integer NOT NULL CHECK (headcount BETWEEN 1 AND 10000),
    employment text NOT NULL
        CHECK (employment IN ('full_time', 'part_time', 'temporary', 'internship', 'dispatch')),
    skills jsonb NOT NULL CHECK (
        jsonb_typeof(skills) = 'array' AND jsonb_array_length(skills) <= 50
        AND jsonb_path_match(
            skills,
            '!exists($[*] ? (!(@.name.type() == "string" && @.required.type() == "boolean")))'
        )
        AND all_names_differ(skills)
    ),
    certificates jsonb NOT NULL CHECK (
        jsonb_typeof(certificates) = 'array' AND jsonb_array_length(certificates) <= 10
        AND jsonb_path_match(
            certificates,
            '!exists($[*] ? (!(@.occupation.type() == "string" && @.required.type() == "boolean"
                && @.level.type() == "number" && @.level.floor() == @.level
                && @.level >= 1 && @.level <= 8)))'
        )
    ),
    education smallint CHECK (education BETWEEN 1 AND 7),
    experience_years smallint NOT NULL CHECK (experience_years BETWEEN 0 AND 60),
    valid_until timestamptz NOT NULL,

    CONSTRAINT closed_for_a_reason CHECK ((status = 'closed') = (closed_reason IS NOT NULL)),
    CONSTRAINT expired_after_its_time CHECK (closed_reason <> 'expired' OR changed_at >= valid_until),
    CONSTRAINT first_version_is_the_publication CHECK (
        changed_at >= published_at AND (version > 1 OR (changed_at = published_at AND status = 'open'))
    ),
    -- in hours: a day of an interval depends on the session's time zone
    CONSTRAINT valid_for_a_while CHECK (
        valid_until > published_at AND valid_until <= changed_at + interval '8784 hours'
    ),
    CONSTRAINT pay_within_reason CHECK (
        pay_max <= CASE pay_unit
            WHEN 'hour' THEN 5000
            WHEN 'day' THEN 40000
            WHEN 'month' THEN 1000000
            WHEN 'year' THEN 12000000
        END
    )
);

-- serves the import and the publication: which posting of this employer has that reference;
-- and is what makes a reference unique for each employer
CREATE UNIQUE INDEX postings_reference ON postings (employer_id, reference)
    WHERE reference IS NOT NULL;

-- serves the employer's list, all or the closed ones, newest first (ids are UUIDv7)
CREATE INDEX postings_of_employer ON postings (employer_id, posting_id DESC);

-- serves the employer's list of open ones, few among many closed
CREATE INDEX open_postings_of_employer ON postings (employer_id, posting_id DESC)
    WHERE status = 'open';

-- serves the expiry job: open postings whose time is over, oldest first
CREATE INDEX postings_due ON postings (valid_until) WHERE status = 'open';
