"""What the images need beside the services: secrets made at first start, a health check.

The stack without Docker is `dev.stack`.
"""
