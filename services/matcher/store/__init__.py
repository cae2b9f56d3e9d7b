"""All SQL of the matcher, one statement a function: the shard's own row, documents, live matches.

What is written when, and in which transaction, does not live here.
"""
