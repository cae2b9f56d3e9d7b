"""Tests of the local stack and of the `rengang` command line."""
