-- A posting moves a hundred pairs and more, and looking up and locking the two documents of each
-- took three quarters of the time to write its row. Pairs are worked out from these documents in
-- the same transaction, none of which is ever deleted alone, and `verify` finds a pair without.
ALTER TABLE matches
    DROP CONSTRAINT matches_seeker_id_fkey,
    DROP CONSTRAINT matches_posting_id_fkey;
