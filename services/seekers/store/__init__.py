"""All SQL of the seekers' door, one statement a function, and the listener for what is committed.

When to run which, and in whose transaction, is decided in actions. Who holds several of these locks
takes them in this order: seekers, feed heads, webhooks, deliveries; and within a table in order of
id. A seeker's matches are guarded by the lock on the seeker's head.
"""
