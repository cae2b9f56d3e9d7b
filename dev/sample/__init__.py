"""Sample data the project makes itself: postings, seekers and certificates of a made-up market.

Every person, firm and number here is plainly a sample. Loading goes over HTTP, as for anyone.
"""
