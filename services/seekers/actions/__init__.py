"""What this service does, one function each; each owns its transactions and announces changes.

Who may call, and how it is asked and answered, is decided at the doors: api and handlers.
"""
