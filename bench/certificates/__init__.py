"""The look-up of certificates, measured beside a bare route that reads one row.

What is looked up is made up, from a seed; how the service answers is its own.
"""
