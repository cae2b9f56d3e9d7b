"""`python -m bench`: which measurements there are, and where each lives.

Only the one asked for is imported: each has peers of its own to load.
"""

import importlib
import sys
from collections.abc import Sequence

MEASUREMENTS = {
    "match": ("bench.match.command", "the matcher's search beside the engines people would pick"),
    "quality": ("bench.quality.command", "how well it ranks, beside what people would pick"),
    "start": ("bench.start.command", "how long a matcher's index takes from the store"),
    "certificates": (
        "bench.certificates.command",
        "certificates brought in and looked up, beside a bare route that reads one row",
    ),
    "flow": ("bench.flow.command", "the whole system, from a posting to a seeker's stream"),
}
"""Name → the module whose `main(arguments)` returns an exit code, and what it measures."""


def main(arguments: Sequence[str]) -> int:
    """Run one measurement; returns the exit code."""
    name, rest = (arguments[0], list(arguments[1:])) if arguments else ("--help", [])
    if name in ("--help", "-h", "help"):
        print(usage())
        return 0
    if name not in MEASUREMENTS:
        print(f"There is no measurement {name}.\n\n{usage()}", file=sys.stderr)
        return 2
    answer: int = importlib.import_module(MEASUREMENTS[name][0]).main(rest)
    return answer


def usage() -> str:
    """Every measurement with one line."""
    rows = [f"  {name:<12} {does}" for name, (_, does) in MEASUREMENTS.items()]
    lines = ["usage: ./rengang bench MEASUREMENT [OPTIONS]", "", *rows, "", "Each has --help"]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
