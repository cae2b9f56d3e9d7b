"""Health check of a container: `python -m dev.image.ready`, exit code 0 when it is ready."""

import os
import sys
import urllib.error
import urllib.request

if __name__ == "__main__":
    port = int(os.environ["RENGANG_PORT"])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=4):
            sys.exit(0)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        sys.exit(1)
