"""Measurements against what a user would pick instead. Nothing a service needs lives here.

The engine itself is `services.matcher.domain`'s; what must always hold is in `tests`.
"""
