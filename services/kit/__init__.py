"""Plumbing that every service stands on: database, outbox, consumer, HTTP door, telemetry.

No noun of the business lives here.
"""
