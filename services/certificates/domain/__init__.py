"""The rules of certificates: numbers, levels, keyed digests, standing, the seeker's folder.

Pure: no I/O, no clock, no wire types; what is stored and what is sent does not live here.
"""
