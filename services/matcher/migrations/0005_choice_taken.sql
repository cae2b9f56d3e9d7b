-- choice_taken: the number of the last choice this shard has heard and noted, so that hearing it again
-- changes nothing, and choosing the model in force once more has everything matched anew.
ALTER TABLE shard ADD COLUMN choice_taken integer NOT NULL DEFAULT 0 CHECK (choice_taken >= 0);
