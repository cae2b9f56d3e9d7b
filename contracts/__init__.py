"""The language between services: values, vocabularies, events, topics and their samples.

What a service does with an event does not live here.
"""
