"""One module a command of `./rengang`: what it takes and what it prints.

The stack itself is `dev.stack`; nothing here is imported before it is asked for.
"""
