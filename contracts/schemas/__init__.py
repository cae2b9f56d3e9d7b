"""The JSON Schema of each event as it is deployed, and how two of them are compared.

The command that checks and records them is `contracts.compatibility`.
"""
