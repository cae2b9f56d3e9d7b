"""The HTTP door of the certificates service: parse, call one action, answer.

What a claim or an import does, and how long what is secret stays so, does not live here.
"""
