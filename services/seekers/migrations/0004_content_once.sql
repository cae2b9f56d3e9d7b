-- What is shown of a match is the event that told of it, as it came: once, in the feed's entry. To
-- take it apart and keep it in parts, and twice, was most of what a match event cost.
ALTER TABLE feed
    ALTER COLUMN content TYPE bytea USING CASE WHEN content IS NOT NULL
        THEN convert_to(jsonb_build_object('data', content)::text, 'UTF8') END,
    -- the head is locked by whoever writes an entry; to look for it again cost as much as the entry
    DROP CONSTRAINT feed_seeker_id_fkey;

-- an event takes 2 kB: squeezing it costs more than writing it
ALTER TABLE feed SET (toast_tuple_target = 8160);

ALTER TABLE matches
    DROP CONSTRAINT live_says_why,
    DROP CONSTRAINT matches_content_check;
ALTER TABLE matches
    -- of one that is seen and whose entry is no longer kept
    ALTER COLUMN content TYPE bytea USING CASE WHEN standing = 'seen'
        THEN convert_to(jsonb_build_object('data', content)::text, 'UTF8') END,
    -- the entry of the seeker's feed that has the content
    ADD COLUMN told_seq bigint CHECK (told_seq >= 1),
    ADD CONSTRAINT live_has_a_score CHECK ((standing = 'gone') = (score_ppm IS NULL)),
    ADD CONSTRAINT seen_says_why CHECK (
        num_nonnulls(told_seq, content) = CASE standing WHEN 'seen' THEN 1 ELSE 0 END
    );

-- a head moves with each entry: room for that beside it, so that its index need not be touched
ALTER TABLE feed_heads SET (fillfactor = 50);
