-- No number, identity number or holder's name is kept in any column, only digests keyed with a
-- secret that is not in the database (HMAC-SHA256, 32 bytes).

-- which secret the digests here were made with
CREATE TABLE seal (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32)
);

-- what issuers say; one row a certificate, as the last import left it
CREATE TABLE registry (
    entry_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    issuer text NOT NULL,
    number_digest bytea NOT NULL CHECK (octet_length(number_digest) = 32),
    -- tells apart what shares a number: special-operation cards bear the holder's own
    scope text NOT NULL,
    holder_digest bytea NOT NULL CHECK (octet_length(holder_digest) = 32),
    identity_digest bytea NOT NULL CHECK (octet_length(identity_digest) = 32),
    number_masked text NOT NULL,
    number_format text NOT NULL,
    occupation text NOT NULL CHECK (occupation ~ '^\d-\d\d-\d\d-\d\d$'),
    level smallint CHECK (level BETWEEN 1 AND 8),
    level_label text,
    name text NOT NULL,
    issued_on date NOT NULL,
    -- the last good day, by China's calendar
    valid_until date CHECK (valid_until >= issued_on),
    status text NOT NULL CHECK (status IN ('in_force', 'suspended', 'revoked')),
    changed_at timestamptz NOT NULL,
    UNIQUE (issuer, number_digest, scope)
);

-- serves claims and verifications: all three at once, so that a wrong holder costs what an
-- unknown number costs
CREATE INDEX registry_stating ON registry (number_digest, identity_digest, holder_digest);

-- one row a seeker; its lock orders the seeker's changes, its version counts them
CREATE TABLE folders (
    seeker_id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 0 CHECK (version >= 0)
);

--            registry has it, good        stopped being good
--  (claimed) ---------------> verified <------------------> lapsed
--      \------> rejected -------^
CREATE TABLE claims (
    claim_id uuid PRIMARY KEY,
    seeker_id uuid NOT NULL REFERENCES folders,
    number_digest bytea NOT NULL CHECK (octet_length(number_digest) = 32),
    holder_digest bytea NOT NULL CHECK (octet_length(holder_digest) = 32),
    identity_digest bytea NOT NULL CHECK (octet_length(identity_digest) = 32),
    number_masked text NOT NULL,
    -- which of several certificates under one number is meant
    asked_occupation text,
    status text NOT NULL CHECK (status IN ('verified', 'rejected', 'lapsed')),
    reason text CHECK (reason IN ('expired', 'suspended', 'revoked', 'not_found')),
    claimed_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    -- the registry's entry as it was when the folder's last event told of it
    entry_id uuid REFERENCES registry,
    issuer text,
    occupation text,
    level smallint,
    level_label text,
    name text,
    issued_on date,
    valid_until date,
    entry_status text,
    CHECK ((status = 'verified') = (reason IS NULL)),
    CHECK (status <> 'verified' OR entry_id IS NOT NULL),
    CHECK (num_nulls(entry_id, issuer, occupation, name, issued_on, entry_status) IN (0, 6)),
    -- serves the folder too
    UNIQUE NULLS NOT DISTINCT
        (seeker_id, number_digest, holder_digest, identity_digest, asked_occupation)
);

-- a certificate counts once for a seeker
CREATE UNIQUE INDEX claims_proven_by ON claims (seeker_id, entry_id) WHERE status = 'verified';

-- serves an import: whose claims does this entry touch?
CREATE INDEX claims_stating ON claims (number_digest, identity_digest, holder_digest);
CREATE INDEX claims_resting_on ON claims (entry_id);

-- serves the expiry job
CREATE INDEX claims_due ON claims (valid_until) WHERE status = 'verified';

-- who asked about a certificate, why, and what was answered; never about whom
CREATE TABLE verifications (
    verification_id uuid PRIMARY KEY,
    requester text NOT NULL,
    purpose text NOT NULL,
    verdict text NOT NULL,
    entry_id uuid REFERENCES registry,
    verified_at timestamptz NOT NULL
);
