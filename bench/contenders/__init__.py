"""Those that are measured beside each other, one module each; `contender` says what all do.

How they are measured does not live here.
"""
