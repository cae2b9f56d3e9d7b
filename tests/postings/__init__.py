"""Tests of the employers' door: its rules, its table, its HTTP interface and its events."""
