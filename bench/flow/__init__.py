"""The whole system under load: postings a second, and the time from a posting to a seeker's stream.

What the matcher's search takes by itself is `bench.match`'s.
"""
