"""Tests of the measurements: that what they compare with is right, and that they report it so."""
