"""The matcher's search beside the engines people would pick: what is measured, and how it is told.

Who is measured lives in `bench.contenders`.
"""
