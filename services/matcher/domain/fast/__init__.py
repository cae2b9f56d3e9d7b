"""The fast core: both sides of the market indexed in memory, searched exactly, changed in place.

What a score is lives beside it in `scoring`, and what the live set is in `oracle`.
"""
