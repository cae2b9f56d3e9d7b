"""The employers' door: postings are published, revised, closed, imported, and expire by themselves.

Whom a posting suits, and who sees it, does not live here.
"""
