-- Models are fitted and chosen for all shards together, in one transaction over their schemas.
--
-- documents: texts the model was fitted to; absent for one that was not fitted to a stored corpus.
-- choice: the number of the last choice that named it. The greatest is what the region shall be
-- matched by; its event may still be on the way to this shard.
ALTER TABLE models
    ADD COLUMN documents integer CHECK (documents >= 1),
    ADD COLUMN choice integer CHECK (choice >= 1);

-- a choice names one model
CREATE UNIQUE INDEX models_choice ON models (choice);
