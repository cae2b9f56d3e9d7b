-- What the index needs of a document is stored beside it, so that a start reads no document at all.
--
-- terms, facts: the term vector and the rest, made by a model and the rules of the code (made_by).
-- Rows of before have no facts and are made anew at the next start.
ALTER TABLE postings RENAME COLUMN terms_model TO made_by;
ALTER TABLE postings ADD COLUMN facts bytea, ADD CHECK (facts IS NULL OR terms IS NOT NULL);
ALTER TABLE seekers RENAME COLUMN terms_model TO made_by;
ALTER TABLE seekers ADD COLUMN facts bytea, ADD CHECK (facts IS NULL OR terms IS NOT NULL);

-- The matches of one seeker, which a sweep compares seeker by seeker.
CREATE INDEX matches_live_of_seeker ON matches (seeker_id) WHERE live;

-- wanted_model: the model chosen last, where it is not the one in force yet.
--
-- sweep_of: what the live matches are being brought to (model and rules), seeker by seeker in order of
-- id; swept_to: up to which seeker that is done. Absent when they are all computed alike.
ALTER TABLE shard
    ADD COLUMN wanted_model text CHECK (wanted_model ~ '^[0-9a-f]{16}$'),
    ADD COLUMN sweep_of text,
    ADD COLUMN swept_to uuid,
    ADD CHECK (swept_to IS NULL OR sweep_of IS NOT NULL);
