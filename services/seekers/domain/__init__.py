"""The rules of the seekers' door: masking, persons, what is worth a notification, webhooks.

Pure: no database, no clock, no wire format lives here.
"""
