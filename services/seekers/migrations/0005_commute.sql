-- Whether the seeker would work too in the counties that border home, the first of `counties`.
ALTER TABLE seekers ADD COLUMN commute boolean NOT NULL DEFAULT false;
