-- partner cities: whom we ask, and who may ask us
CREATE TABLE cities (
    -- how it names itself when it signs
    city_id text PRIMARY KEY CHECK (city_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    base_url text NOT NULL CHECK (base_url ~ '^https?://'),
    divisions text[] NOT NULL,
    adapter text NOT NULL CHECK (adapter IN ('rengang', 'http-json')),
    enabled boolean NOT NULL,
    jwks jsonb,
    jwks_url text,
    mapping jsonb,
    certificate_sha256 bytea CHECK (octet_length(certificate_sha256) = 32),
    trusted_unsigned boolean NOT NULL,
    timeout_ms integer CHECK (timeout_ms > 0),
    changed_at timestamptz NOT NULL,
    CHECK (adapter <> 'rengang' OR num_nonnulls(jwks, jwks_url) >= 1),
    CHECK (adapter <> 'http-json' OR mapping IS NOT NULL),
    CHECK (adapter <> 'http-json' OR trusted_unsigned OR certificate_sha256 IS NOT NULL)
);

-- assertions that were shown to us; each opens the door once
CREATE TABLE assertions_shown (
    city_id text NOT NULL,
    jti text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (city_id, jti)
);

-- serves the removal of what can no longer be shown
CREATE INDEX assertions_shown_over ON assertions_shown (expires_at);

-- what a level that others gave counts as here; null in a condition: any
CREATE TABLE recognitions (
    city text,
    issuer text,
    occupation text,
    level smallint CHECK (level BETWEEN 1 AND 8),
    label text,
    -- null: not recognised
    counts_as smallint CHECK (counts_as BETWEEN 1 AND 8),
    from_day date NOT NULL,
    until date CHECK (until >= from_day),
    CHECK (num_nonnulls(city, issuer) >= 1),
    UNIQUE NULLS NOT DISTINCT (city, issuer, occupation, level, label, from_day)
);

-- which entries of the registry are another city's answers, and what it said
CREATE TABLE mirrors (
    entry_id uuid PRIMARY KEY REFERENCES registry,
    city_id text NOT NULL,
    -- what it told us before recognition
    level smallint,
    label text,
    -- the last moment it told us so
    answered_at timestamptz NOT NULL,
    -- where its places in the city's status lists are; null where the city publishes none
    revocation_list text,
    revocation_index integer CHECK (revocation_index >= 0),
    suspension_list text,
    suspension_index integer CHECK (suspension_index >= 0),
    CHECK ((revocation_list IS NULL) = (revocation_index IS NULL)),
    CHECK ((suspension_list IS NULL) = (suspension_index IS NULL))
);

-- serve the reading of a status list
CREATE INDEX mirrors_revocation ON mirrors (revocation_list, revocation_index);
CREATE INDEX mirrors_suspension ON mirrors (suspension_list, suspension_index);
CREATE INDEX mirrors_of ON mirrors (city_id);

-- whether what another city vouches for is recognised here; true for all of our own
ALTER TABLE registry ADD COLUMN recognised boolean NOT NULL DEFAULT true;
ALTER TABLE claims ADD COLUMN recognised boolean;
UPDATE claims SET recognised = true WHERE entry_id IS NOT NULL;

-- a list as it was read last: an unchanged one is not read again
CREATE TABLE lists_read (
    list text PRIMARY KEY,
    city_id text NOT NULL,
    etag text,
    issued_at timestamptz NOT NULL,
    read_at timestamptz NOT NULL
);

--  (no answer) --> waiting --answered--> deleted
--                      \--too long--> given up: the question is destroyed, the row says so
CREATE TABLE pending_questions (
    question_id uuid PRIMARY KEY,
    -- what waits for the answer: a receipt, or a seeker's claim
    receipt_no text UNIQUE,
    claim_id uuid UNIQUE REFERENCES claims ON DELETE CASCADE,
    -- nonce and ciphertext (AES-256-GCM, a key derived from the pepper)
    sealed bytea,
    asked_at timestamptz NOT NULL,
    next_try_at timestamptz,
    gives_up_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    CHECK (num_nonnulls(receipt_no, claim_id) = 1),
    CHECK ((sealed IS NULL) = (next_try_at IS NULL))
);

-- serves the job that asks again
CREATE INDEX pending_questions_due ON pending_questions (next_try_at)
    WHERE next_try_at IS NOT NULL;

--            registry has it, good        stopped being good
--  (claimed) ---------------> verified <------------------> lapsed
--      \------> rejected -------^
--  a claim that another city has still to answer stays claimed
ALTER TABLE claims DROP CONSTRAINT claims_status_check;
ALTER TABLE claims ADD CONSTRAINT claims_status_check
    CHECK (status IN ('claimed', 'verified', 'rejected', 'lapsed'));
ALTER TABLE claims ADD CHECK ((recognised IS NULL) = (entry_id IS NULL));
ALTER TABLE claims DROP CONSTRAINT claims_reason_check;
ALTER TABLE claims ADD CONSTRAINT claims_reason_check CHECK (reason IN (
    'expired', 'suspended', 'revoked', 'holder-mismatch', 'not-found', 'issuer-unknown',
    'not-recognised', 'review-overdue', 'pending', 'unanswered'));
