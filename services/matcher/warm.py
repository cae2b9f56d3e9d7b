"""`python -m services.matcher.warm`: what a matcher needs is compiled and kept, once.

Ahead of several processes that would all compile the same.
"""

import argparse
import sys
import time

from services.matcher.domain.base_model import base_model
from services.matcher.index.warming import warm_up

_EPILOG = "Example: NUMBA_CACHE_DIR=/var/cache/rengang python -m services.matcher.warm"


def main() -> None:
    """Compile, or find compiled code, and say how long it took."""
    argparse.ArgumentParser(
        prog="python -m services.matcher.warm",
        description="Compile what a matcher needs, so that no start waits for it: "
        "a minute or more, some seconds where it was done before.",
        epilog=_EPILOG,
    ).parse_args()
    sys.stdout.write("compiling, or finding compiled code …\n")
    sys.stdout.flush()
    began = time.monotonic()
    warm_up(base_model())
    sys.stdout.write(f"ready after {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
