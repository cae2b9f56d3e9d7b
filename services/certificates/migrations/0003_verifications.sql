ALTER TABLE claims DROP CONSTRAINT claims_reason_check;
UPDATE claims SET reason = 'not-found' WHERE reason = 'not_found';
ALTER TABLE claims ADD CONSTRAINT claims_reason_check CHECK (reason IN (
    'expired', 'suspended', 'revoked', 'holder-mismatch', 'not-found', 'issuer-unknown',
    'not-recognised', 'review-overdue', 'pending'));

-- looked up before there were receipts: kept for the record, written no more
ALTER TABLE verifications RENAME TO verifications_before_receipts;
ALTER INDEX verifications_pkey RENAME TO verifications_before_receipts_pkey;

--  pending --another city has answered--> superseded by a receipt with its answer
-- who asked, why, and the answer as it was signed; never about whom
CREATE TABLE verifications (
    receipt_no text PRIMARY KEY CHECK (receipt_no ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
    requester text NOT NULL,
    role text NOT NULL,
    purpose text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('valid', 'expired', 'revoked', 'suspended',
        'holder-mismatch', 'not-found', 'issuer-unknown', 'pending')),
    -- no foreign key: each look-up would lock and so write the entry's row; none is ever deleted
    entry_id uuid,
    verified_at timestamptz NOT NULL,
    jws text NOT NULL,
    superseded_by text UNIQUE REFERENCES verifications,
    CHECK (superseded_by IS NULL OR verdict = 'pending')
);

-- who tries numbers out: misses in buckets of time; an empty number: all of the asker's
CREATE TABLE misses (
    requester text NOT NULL,
    number_digest bytea NOT NULL CHECK (octet_length(number_digest) IN (0, 32)),
    bucket timestamptz NOT NULL,
    n integer NOT NULL CHECK (n >= 0),
    PRIMARY KEY (requester, number_digest, bucket)
);

-- serves the removal of what no longer counts
CREATE INDEX misses_over ON misses (bucket);

-- who asked about whom, when, why and what was answered. Rows are only ever added; each holds the
-- hash of itself and the row before, so that a missing or a changed one shows (domain/audit)
CREATE TABLE audit (
    seq bigint PRIMARY KEY CHECK (seq > 0),
    at timestamptz NOT NULL,
    requester text NOT NULL,
    role text NOT NULL,
    act text NOT NULL CHECK (act IN ('verified', 'resolved', 'refused')),
    -- keyed digests of the identity number and of the certificate number that were asked about
    about bytea NOT NULL CHECK (octet_length(about) = 32),
    number_digest bytea NOT NULL CHECK (octet_length(number_digest) = 32),
    purpose text NOT NULL,
    -- none where the question was refused
    verdict text,
    receipt_no text,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    CHECK ((act = 'refused') = (verdict IS NULL)),
    CHECK ((act = 'refused') = (receipt_no IS NULL))
);

-- serve the list: by asker, by time; and the holder's own
CREATE INDEX audit_of_requester ON audit (requester, seq);
CREATE INDEX audit_at ON audit USING brin (at);
CREATE INDEX audit_about ON audit (about, seq);
CREATE INDEX audit_number ON audit (number_digest, seq);

-- the last row of the chain. Its lock orders who adds to it; a tail cut off shows against it
CREATE TABLE audit_head (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    seq bigint NOT NULL CHECK (seq >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- a table of certificates to look up, sent as a file
--  waiting --> running --> done --seven days--> deleted
CREATE TABLE verification_tables (
    table_id uuid PRIMARY KEY,
    requester text NOT NULL,
    role text NOT NULL,
    purpose text NOT NULL,
    total integer NOT NULL CHECK (total > 0),
    made_at timestamptz NOT NULL,
    finished_at timestamptz
);

-- serves the bound on how many an asker may have
CREATE INDEX verification_tables_open ON verification_tables (requester)
    WHERE finished_at IS NULL;

-- serves the removal after seven days
CREATE INDEX verification_tables_made ON verification_tables (made_at);

-- some lines of a table. sealed: nonce and ciphertext (AES-256-GCM, a key derived from the pepper)
-- of what is asked, destroyed once that is answered; result: lines of the answer, without names
CREATE TABLE verification_table_parts (
    table_id uuid NOT NULL REFERENCES verification_tables ON DELETE CASCADE,
    part integer NOT NULL CHECK (part >= 0),
    n_lines integer NOT NULL CHECK (n_lines > 0),
    sealed bytea,
    result jsonb,
    -- who works on it has it until then
    taken_until timestamptz,
    PRIMARY KEY (table_id, part),
    CHECK ((sealed IS NULL) = (result IS NOT NULL))
);

-- serves who works on them
CREATE INDEX verification_table_parts_open ON verification_table_parts (table_id, part)
    WHERE sealed IS NOT NULL;
