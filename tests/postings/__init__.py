"""Tests of the employers' door: its rules, its table, its HTTP interface and its events.

What other services make of the events is tested in their folders.
"""
