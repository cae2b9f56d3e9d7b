"""Tests of the seekers' door, on real PostgreSQL and Kafka, with tokens really signed.

What several services' tests share is in `tests.support`.
"""
