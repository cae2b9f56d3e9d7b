"""Real PostgreSQL, real Kafka and the services as processes of this machine, kept running.

What a command prints or asks does not live here; that is `dev.commands`.
"""
