-- What a seeker offers and wants. Each change adds one to version and one event to the outbox.
--
--   (register) ─→ looking ──(revise)──→ looking
--                    └──(withdraw)──→ withdrawn ──(revise)──→ looking
--
-- Rows are not deleted: the compacted topic keeps each seeker's last event as long.
CREATE TABLE seekers (
    seeker_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version >= 1),
    status text NOT NULL CHECK (status IN ('looking', 'withdrawn')),
    registered_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL CHECK (changed_at >= registered_at),

    titles text[] NOT NULL CHECK (cardinality(titles) BETWEEN 1 AND 5),
    text text NOT NULL CHECK (char_length(text) <= 4000),
    occupations text[] NOT NULL CHECK (cardinality(occupations) <= 10),
    skills text[] NOT NULL CHECK (cardinality(skills) <= 100),
    education smallint CHECK (education BETWEEN 1 AND 7),
    experience_years smallint NOT NULL CHECK (experience_years BETWEEN 0 AND 60),
    -- the first is home
    counties text[] NOT NULL CHECK (cardinality(counties) BETWEEN 1 AND 20),
    remote_ok boolean NOT NULL,
    pay_floor_amount integer CHECK (pay_floor_amount >= 1),
    pay_floor_unit text CHECK (pay_floor_unit IN ('hour', 'day', 'month', 'year')),
    employment text[] NOT NULL CHECK (
        employment <@ ARRAY['full_time', 'part_time', 'temporary', 'internship', 'dispatch']
    ),

    CONSTRAINT pay_floor_has_its_unit CHECK ((pay_floor_amount IS NULL) = (pay_floor_unit IS NULL)),
    CONSTRAINT first_version_is_the_registration CHECK (
        version > 1 OR (changed_at = registered_at AND status = 'looking')
    )
);

-- Who the seeker is. Apart from what may be known, so that whoever works for the bus has no need
-- to read it. Never on the bus, never in a log.
CREATE TABLE persons (
    seeker_id uuid PRIMARY KEY REFERENCES seekers ON DELETE CASCADE,
    name text NOT NULL CHECK (char_length(name) BETWEEN 2 AND 50),
    phone text NOT NULL CHECK (phone ~ '^(1[3-9][0-9]{9}|0[0-9]{2,3}-[2-9][0-9]{6,7})$'),
    email text CHECK (char_length(email) BETWEEN 3 AND 254),
    birth_date date CHECK (birth_date >= '1900-01-01')
);
