"""The developer's side: the local stack without Docker, and the `rengang` command line.

It starts the services as processes and speaks to them over HTTP and Kafka; it imports none.
"""
