"""The matcher: keeps the live matches, exactly, as postings, seekers and certificates change.

How matches reach people, and what follows from them, does not live here.
"""
