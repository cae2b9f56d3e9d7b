"""`./rengang bench match`: its options, and where its result goes.

What is measured lives in `running`.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.terminal import count

QUICK_SEEKERS, SEEKERS = 100_000, 1_000_000
QUICK_QUERIES, QUERIES, QUERIES_ON_THE_WAY = 60, 400, 100

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_EPILOG = """
The result goes to stdout at the end, how far it is to stderr. A full run takes half an hour to an
hour and 12 GB of memory; --quick, 100,000 seekers beside tantivy and the scan alone, a minute. The
first run compiles for another minute or more.
Example: ./rengang bench match --seekers 200000 --picture match.svg
"""


def main(arguments: Sequence[str]) -> int:
    """Measure, and tell it. Returns 0, whatever the figures are."""
    options = _parsed(arguments)
    # Before anything reads them, so the modules that do are imported only now.
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    began = time.monotonic()
    result = import_module("bench.match.running").run(
        seed=options.seed,
        seekers=options.seekers or (QUICK_SEEKERS if options.quick else SEEKERS),
        queries=options.queries or (QUICK_QUERIES if options.quick else QUERIES),
        queries_on_the_way=min(options.queries or QUERIES_ON_THE_WAY, QUERIES_ON_THE_WAY),
        quick=options.quick,
    )
    result.seconds = round(time.monotonic() - began, 1)
    required = import_module("bench.match.required").required(result)
    if options.json:
        print(json.dumps(result.as_json(required), ensure_ascii=False, indent=2))
    else:
        print(import_module("bench.match.telling").told(result, required))
    if options.picture:
        import_module("bench.match.picture").draw(result, options.picture)
        print(f"bench: drew {options.picture}", file=sys.stderr)
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./rengang bench match",
        description="Measure the matcher's search beside the engines people would pick.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seekers", type=count, metavar="N", help=f"usually {SEEKERS:,}")
    parser.add_argument("--queries", type=count, metavar="Q", help=f"usually {QUERIES}")
    parser.add_argument("--quick", action="store_true", help="less of everything, in a minute")
    parser.add_argument("--json", action="store_true", help="tell the result as JSON")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it: .svg or .png")
    parser.add_argument("--seed", type=int, default=1, help="of the market that is drawn")
    return parser.parse_args(arguments)
