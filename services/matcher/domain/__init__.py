"""The rules of matching: documents, model, eligibility, score, explanation, the live set.

Pure: no I/O, no clock, no wire types; what is stored and what is sent does not live here.
"""
