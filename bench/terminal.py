"""How a measurement is asked for at a terminal, and says how far it is.

What is measured does not live here.
"""

import argparse
import sys
import time


def count(text: str) -> int:
    """A whole number from 1, for argparse; 1,000 and 1_000 too."""
    number = int(text.replace(",", "").replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


class Progress:
    """Says on stderr how far it is, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, words: str) -> None:
        """Say it."""
        print(f"{time.monotonic() - self._began:7.1f} s  {words}", file=sys.stderr, flush=True)
