"""What a posting is, what an offer must keep to, what may become of it, and what is told of it.

How offers arrive, and how postings are stored and announced, does not live here.
"""
