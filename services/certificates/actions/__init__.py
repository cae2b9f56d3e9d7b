"""What the certificates service does, one function each; each owns its transaction.

How it is asked for and answered, and the rules by which it decides, do not live here.
"""
