"""The matcher's ranking beside what people would pick, on labelled titles, postings and skills.

How fast it ranks is measured in `bench.match`.
"""
