"""`./rengang bench certificates`: arguments, the order of the measurements, where the report goes.

How a block is measured is `blocks`'.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence

import psutil

from bench.certificates import loading, report
from bench.certificates.blocks import Meter
from bench.certificates.drawing import MOST
from bench.certificates.figures import (
    BARE,
    BATCHES,
    FULL,
    OURS,
    OURS_SMALL,
    SMALL,
    BenchFailed,
    Block,
    Run,
    Saturated,
)
from bench.certificates.house import House, running
from bench.terminal import Progress, count
from dev.stack.folder import FolderRefused
from dev.stack.postgres import PostgresUnavailable
from dev.stack.program import StackFailed

_DESCRIPTION = """\
How many certificates a second the service looks up, and how long an answer takes at half of that:
the token checked, the question judged, the answer signed and written into the audit log. Beside it,
in turns, a bare FastAPI and asyncpg route that reads one row of the same table and answers it; and
the same service with 10,000 certificates. Before that, how long the certificates take through the
import door, signed."""

_EXAMPLES = """\
A million certificates take some 2 GB in the temporary folder.
examples:
  ./rengang bench certificates --quick
  ./rengang bench certificates --json > certificates.json"""

_WARM_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """Command line; see --help. Returns 0 where something was measured, met or not."""
    wanted = _parser().parse_args(arguments)
    if wanted.quick:
        wanted.certificates, wanted.seconds, wanted.rounds = 50_000, 2.0, 3
    try:
        run = asyncio.run(_measured(wanted, Progress()))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except (BenchFailed, StackFailed, FolderRefused, PostgresUnavailable) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    told = json.dumps(report.as_json(run), ensure_ascii=False) if wanted.as_json else None
    print(told or report.as_text(run))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./rengang bench certificates",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--certificates", type=_certificates, default=FULL, metavar="N", help="default 1,000,000"
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of each block; default 8")
    parser.add_argument("--rounds", type=count, default=5, help="turns of each; default 5")
    parser.add_argument("--connections", type=count, default=64, help="default 64")
    parser.add_argument("--seed", type=int, default=1, help="of the questions; default 1")
    parser.add_argument(
        "--quick", action="store_true", help="50,000 certificates, 3 rounds of 2 s blocks"
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    return parser


def _certificates(text: str) -> int:
    number = count(text)
    if not 1_000 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"from 1,000 to {MOST:,}")
    return number


async def _measured(wanted: argparse.Namespace, say: Progress) -> Run:
    # As Ctrl-C: what was started is ended, and the folder removed.
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    small = min(SMALL, wanted.certificates)
    say("starting a server, two deployments and the bare route")
    async with running() as house:
        small_load = await loading.bring_in(house, OURS_SMALL, small, say)
        load = await loading.bring_in(house, OURS, wanted.certificates, say)
        await house.settle()
        meter = Meter(house, wanted.certificates, small, wanted.connections, wanted.seed, say)
        await meter.prepare()
        blocks = await _blocks(house, meter, wanted)
    return Run(
        certificates=wanted.certificates,
        small=small,
        connections=wanted.connections,
        seconds=wanted.seconds,
        seed=wanted.seed,
        machine=_machine(),
        load=load,
        small_load=small_load,
        blocks=tuple(blocks),
    )


async def _blocks(house: House, meter: Meter, wanted: argparse.Namespace) -> list[Block]:
    for what in (OURS, OURS_SMALL, BARE, BATCHES):
        await meter.saturated(what, _WARM_S)
    blocks: list[Block] = []
    rate = 0.0
    for turn in range(wanted.rounds):
        # In the other order each time, so that neither is always the one that comes first.
        order = (OURS, BARE, OURS_SMALL) if turn % 2 == 0 else (OURS_SMALL, BARE, OURS)
        round_: list[Saturated] = [
            await meter.saturated(what, wanted.seconds) for what in (*order, BATCHES)
        ]
        # Half of what it took first, for all later rounds and for both: like beside like.
        rate = rate or next(b.a_second for b in round_ if b.what == OURS) / 2
        blocks += round_
        for what in order:
            blocks.append(await meter.paced(what, rate, wanted.seconds))
    house.check()
    return blocks


def _machine() -> str:
    memory_gb = psutil.virtual_memory().total / 1e9
    return f"{os.cpu_count()} cores, {memory_gb:.0f} GB, Python {platform.python_version()}"
