-- who issues certificates, and whose signature an import must bear
CREATE TABLE issuers (
    code text PRIMARY KEY CHECK (code ~ '^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$'),
    name text NOT NULL,
    -- two digits of GB/T 2260
    province text NOT NULL CHECK (province ~ '^\d\d$'),
    -- six digits each
    cities text[] NOT NULL,
    -- by what it may issue: laws, filings
    bases text[] NOT NULL,
    recognised_by text[] NOT NULL,
    -- Ed25519 public keys as JWKs, each with its kid
    keys jsonb NOT NULL CHECK (jsonb_typeof(keys) = 'array'),
    upload_lag_days smallint NOT NULL CHECK (upload_lag_days BETWEEN 0 AND 365),
    -- null: ours; else the partner city that answers for it
    origin text,
    changed_at timestamptz NOT NULL
);

ALTER TABLE registry
    ADD COLUMN kind text NOT NULL DEFAULT 'skill-level'
        CHECK (kind IN ('skill-level', 'qualification', 'special-operation', 'title')),
    -- 初级 1, 助理级 2, 中级 3, 副高级 4, 正高级 5
    ADD COLUMN title_rank smallint CHECK (title_rank BETWEEN 1 AND 5),
    -- the last good day without another review
    ADD COLUMN review_due date CHECK (review_due >= issued_on),
    -- null: our own issuers'; else the partner city whose answer this mirrors
    ADD COLUMN origin text,
    -- when that city last answered
    ADD COLUMN checked_at timestamptz,
    -- our own entries: the place in our status lists
    ADD COLUMN status_list integer CHECK (status_list >= 0),
    ADD COLUMN status_index integer CHECK (status_index BETWEEN 0 AND 131071),
    -- when the issuer said what stands here, and in which import
    ADD COLUMN stated_at timestamptz,
    ADD COLUMN import_id uuid,
    ADD CHECK (kind = 'title' OR title_rank IS NULL),
    ADD CHECK (kind <> 'title' OR level IS NULL),
    ADD CHECK ((status_list IS NULL) = (status_index IS NULL));

UPDATE registry SET stated_at = changed_at, kind = CASE number_format
    WHEN 'special_operation' THEN 'special-operation'
    WHEN 'vocational_qualification' THEN 'qualification'
    ELSE 'skill-level' END;

-- How many places were given out. The place that follows is drawn by a secret order within each
-- list, so that certificates that came together do not stand together.
CREATE TABLE status_places (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    given bigint NOT NULL CHECK (given >= 0)
);

-- What is here already is drawn by chance; the secret order begins with the list after.
UPDATE registry r SET status_list = d.n / 131072, status_index = d.n % 131072
FROM (SELECT entry_id, row_number() OVER (ORDER BY random()) - 1 AS n FROM registry) d
WHERE d.entry_id = r.entry_id;
INSERT INTO status_places (given)
    SELECT coalesce(max(status_list) + 1, 0)::bigint * 131072 FROM registry;

ALTER TABLE registry ADD UNIQUE (status_list, status_index);

-- what an entry was before each change
CREATE TABLE registry_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id uuid NOT NULL REFERENCES registry,
    was jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    -- the import that changed it
    import_id uuid
);

-- serves the reading of one entry's history
CREATE INDEX registry_history_of ON registry_history (entry_id, history_id);

-- A trigger, so that nobody who changes an entry can forget it. When it was said last, and by
-- which import, is no change of what is said.
CREATE FUNCTION keep_registry_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO registry_history (entry_id, was, changed_at, import_id)
    VALUES (OLD.entry_id, to_jsonb(OLD), NEW.changed_at, NEW.import_id);
    RETURN NULL;
END $$;

CREATE TRIGGER registry_changed AFTER UPDATE ON registry FOR EACH ROW
    WHEN ((OLD.holder_digest, OLD.identity_digest, OLD.occupation, OLD.level, OLD.level_label,
           OLD.title_rank, OLD.name, OLD.kind, OLD.issued_on, OLD.valid_until, OLD.review_due,
           OLD.status, OLD.origin)
        IS DISTINCT FROM
          (NEW.holder_digest, NEW.identity_digest, NEW.occupation, NEW.level, NEW.level_label,
           NEW.title_rank, NEW.name, NEW.kind, NEW.issued_on, NEW.valid_until, NEW.review_due,
           NEW.status, NEW.origin))
    EXECUTE FUNCTION keep_registry_history();

-- signed imports: how far each has come
CREATE TABLE imports (
    -- from the signature
    import_id uuid PRIMARY KEY,
    issuer text NOT NULL REFERENCES issuers,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    media_type text NOT NULL,
    n_rows integer NOT NULL CHECK (n_rows >= 0),
    stated_at timestamptz NOT NULL,
    -- the signature itself: proof of what the issuer said; holds no person
    signature text NOT NULL,
    sender text NOT NULL,
    begun_at timestamptz NOT NULL,
    n_done integer NOT NULL DEFAULT 0 CHECK (n_done BETWEEN 0 AND n_rows),
    finished_at timestamptz,
    CHECK ((finished_at IS NOT NULL) = (n_done = n_rows))
);

-- what became of the rows, a batch each; committed with what it tells of
CREATE TABLE import_batches (
    import_id uuid NOT NULL REFERENCES imports,
    -- counts from 0
    first_row integer NOT NULL CHECK (first_row >= 0),
    n_rows integer NOT NULL CHECK (n_rows > 0),
    created integer NOT NULL,
    revised integer NOT NULL,
    unchanged integer NOT NULL,
    rejected integer NOT NULL,
    -- JSON of the report: its lines, and those worth a second look, each comma-separated
    lines text NOT NULL,
    flagged text NOT NULL,
    PRIMARY KEY (import_id, first_row),
    CHECK (created + revised + unchanged + rejected = n_rows)
);

ALTER TABLE claims
    ADD COLUMN kind text,
    ADD COLUMN title_rank smallint,
    ADD COLUMN review_due date;
UPDATE claims c SET kind = r.kind FROM registry r WHERE r.entry_id = c.entry_id;
ALTER TABLE claims ADD CHECK ((kind IS NULL) = (entry_id IS NULL));

-- serves the expiry job: the end of validity or a review that nobody made
DROP INDEX claims_due;
CREATE INDEX claims_due ON claims (least(valid_until, review_due)) WHERE status = 'verified';
