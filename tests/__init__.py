"""A folder of tests a service, beside contracts, flows on the real stack, chaos and browser.

Being a package keeps `tests.contracts` and the `contracts` it tests apart.
"""
