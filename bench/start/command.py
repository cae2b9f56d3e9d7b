"""`./rengang bench start`: its options, and where its result goes.

What is measured lives in `running`.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from bench.skills import TYPOS
from bench.start.figures import Result, StartFailed
from bench.start.running import Wanted, run
from bench.start.telling import as_json, told
from bench.terminal import count
from bench.world import make_world
from dev.stack.program import StackFailed

_DESCRIPTION = """\
How long a shard's index takes from the store: a PostgreSQL of its own is filled as a matcher leaves
it, and a process of its own then begins as the service does, up to the moment at which it serves.

Up to --exact-up-to seekers the stored live matches are the true ones. Above, those of every
posting's side are, and a seeker's are taken from them: finding a million seekers' own lists takes
long, and what counts here is that pairs are read."""

_EXAMPLES = """\
A million seekers take some 6 GB in the temporary folder, 6 GB of memory and a quarter of an hour,
most of it for filling the store.
examples:
  ./rengang bench start --seekers 100000
  ./rengang bench start --json > start.json"""


def main(arguments: Sequence[str]) -> int:
    """Command line; see --help. Returns 0 where a start was measured, met or not."""
    options = _parser().parse_args(arguments)
    wanted = Wanted(
        seekers=options.seekers,
        postings=options.postings,
        live_per_seeker=options.live_per_seeker,
        exact_up_to=options.exact_up_to,
        seed=options.seed,
    )
    try:
        result = asyncio.run(_measured(wanted, options.typos))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except (StartFailed, StackFailed) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    print(json.dumps(as_json(result), ensure_ascii=False) if options.json else told(result))
    return 0


async def _measured(wanted: Wanted, typos: int) -> Result:
    # As Ctrl-C: what was started is ended, and the folder removed.
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(wanted, make_world(wanted.seed, n_typos=typos))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./rengang bench start",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seekers", type=count, default=1_000_000, metavar="N", help="default 1,000,000"
    )
    parser.add_argument(
        "--postings", type=count, default=20_000, metavar="M", help="default 20,000"
    )
    parser.add_argument(
        "--live-per-seeker", type=count, default=3, metavar="L", help="stored; default about 3"
    )
    parser.add_argument(
        "--exact-up-to", type=count, default=5_000, metavar="N", help="default 5,000 seekers"
    )
    parser.add_argument(
        "--typos",
        type=count,
        default=TYPOS,
        metavar="N",
        help=f"misspelt skills that its people choose from; default {TYPOS:,}",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the market; default 1")
    parser.add_argument("--json", action="store_true", help="tell the result as JSON")
    return parser
