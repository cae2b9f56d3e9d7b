"""The seekers' door: profiles, their masked copy on the bus, matches, notifications, webhooks.

Scoring and search do not live here; certificates have a service of their own.
"""
