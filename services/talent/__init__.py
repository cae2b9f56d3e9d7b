"""The regional talent information system: postings and matches, as people look them up.

Which matches there are, and why, is the matcher's matter and does not live here.
"""
