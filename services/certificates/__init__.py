"""Certificates: the registry of what issuers issued, seekers' claims to it, verification.

What a certificate is worth in a match does not live here.
"""
