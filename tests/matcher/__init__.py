"""Tests of the matcher: its rules, its live set, its tables, its doors.

Histories that run through several services live in tests/flows.
"""
