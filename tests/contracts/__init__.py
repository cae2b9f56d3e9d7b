"""The language between services, held to its promises.

What a service does with an event is tested in that service's folder.
"""
