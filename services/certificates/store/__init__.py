"""All SQL of the certificates service, one statement a function.

What the rows mean, and in which transaction they change, does not live here.
"""
