-- An event of some 2 kB waits for a moment and goes: squeezing it (the default from 2 kB on) costs
-- five times what writing it down does. What is above 8 kB is still stored aside.
ALTER TABLE outbox SET (toast_tuple_target = 8160);
