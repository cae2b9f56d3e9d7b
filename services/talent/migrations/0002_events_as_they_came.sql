-- The explanation is kept as the event that said it, as it came: to take the event apart and keep
-- it in parts was most of what a match event cost.
ALTER TABLE matches RENAME COLUMN explanation TO said;
ALTER TABLE matches ALTER COLUMN said TYPE bytea USING CASE WHEN said IS NOT NULL
    THEN convert_to(jsonb_build_object('data', said)::text, 'UTF8') END;

-- an event takes 2 kB: squeezing it costs more than writing it
ALTER TABLE matches SET (toast_tuple_target = 8160);
