-- Reports of imports are dropped after a while; how many rows had which outcome stays, and so does
-- the signature.

ALTER TABLE imports
    -- when the lines of its report were dropped; null: they are all there
    ADD COLUMN report_dropped_at timestamptz;

-- serves the job that drops them; one that went on after its report was dropped is dropped again
CREATE INDEX imports_reported ON imports ((coalesce(finished_at, begun_at)))
    WHERE report_dropped_at IS NULL OR report_dropped_at <= finished_at;
