"""`./rengang bench flow`: arguments, the order of the measurements, and where the report goes.

How a block is measured is `blocks`'.
"""

import argparse
import asyncio
import json
import logging
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import psutil

from bench.flow import loading, market, report
from bench.flow.blocks import Meter
from bench.flow.figures import (
    FULL_POSTINGS,
    FULL_SEEKERS,
    MATCHER,
    PASSTHROUGH,
    BenchFailed,
    Fan,
    LatencyBlock,
    Load,
    RateBlock,
    Run,
)
from bench.flow.house import House, running
from bench.flow.listening import listening
from bench.flow.publishing import desk
from bench.terminal import Progress, count
from dev.stack.folder import DataFolder, FolderRefused
from dev.stack.program import StackFailed

_SHARES = (0.25, 0.5)
_LOADED = "flow.json"
_PATIENCE_S = 600.0

_DESCRIPTION = """\
The whole system on this machine: how many postings a second it keeps up with, and how long
a posting takes from its 201 to the stream of a seeker whom it fits; beside the same hops without
matching, in the same run and in turns.

At the full size the market has some millions of matches and takes long to load: keep its folder and
use it again. Nobody claims a certificate in it. What a block publishes is closed after it."""

_EXAMPLES = """\
examples:
  ./rengang bench flow --quick
  ./rengang bench flow --keep /var/tmp/flow
  ./rengang bench flow --load /var/tmp/flow --json > flow.json

MATCHER_K_S, MATCHER_K_P and MATCHER_TAU_PPM in the environment reach the matcher."""


def main(arguments: Sequence[str]) -> int:
    """Command line; see --help. Returns 0 where something was measured, met or not."""
    wanted = _parser().parse_args(arguments)
    if wanted.quick:
        wanted.seekers, wanted.postings, wanted.seconds = 2_000, 400, 4.0
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    say = Progress()
    try:
        run = asyncio.run(_measured(wanted, say))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except (BenchFailed, StackFailed, FolderRefused) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    except BaseExceptionGroup as group:
        failed = group.subgroup(BenchFailed)
        if failed is None:
            raise
        print(f"not measured: {_first(failed)}", file=sys.stderr)
        return 1
    if wanted.as_json:
        print(json.dumps(report.as_json(run), ensure_ascii=False))
    else:
        print(report.as_text(run))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./rengang bench flow",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seekers", type=count, default=FULL_SEEKERS, help="default 100,000")
    parser.add_argument("--postings", type=count, default=FULL_POSTINGS, help="default 20,000")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each block; default 20")
    parser.add_argument("--rounds", type=count, default=2, help="turns of each; default 2")
    parser.add_argument("--probes", type=count, help="seekers who listen; default by the size")
    parser.add_argument("--seed", type=int, default=1, help="of the market; default 1")
    parser.add_argument(
        "--quick", action="store_true", help="2,000 seekers, 400 postings, blocks of 4 s"
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    folder = parser.add_mutually_exclusive_group()
    folder.add_argument("--keep", type=Path, metavar="FOLDER", help="load here, and keep it")
    folder.add_argument("--load", type=Path, metavar="FOLDER", help="use what was kept here")
    return parser


async def _measured(wanted: argparse.Namespace, say: Progress) -> Run:
    # As Ctrl-C: what was started is ended, and a folder of our own removed.
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    path: Path | None = wanted.load or wanted.keep
    if path is not None:
        return await _on_folder(wanted, path, say)
    # Not only for us: PostgreSQL's own account passes through where we are root.
    folder = Path(tempfile.mkdtemp(prefix="rengang-bench-"))
    folder.chmod(0o711)  # noqa: ASYNC240 - before anything runs
    try:
        return await _on_folder(wanted, folder / "data", say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _on_folder(wanted: argparse.Namespace, path: Path, say: Progress) -> Run:
    kept = DataFolder(path)
    before = kept.read(_LOADED)
    if wanted.load:
        if not before:
            raise BenchFailed(f"no market was kept in {path}; make one: --keep {path}")
        wanted.seekers, wanted.postings = before["seekers"], before["postings"]
        wanted.seed, wanted.probes = before["seed"], before["probes"]
        if before.get("under_way"):
            say("an earlier run ended early: its postings may still be open")
    elif before:
        raise BenchFailed(f"{path} holds a market already; use it: --load {path}")
    probing = market.probes(wanted.probes or (40 if wanted.quick else 200))
    say("starting the system")
    async with running(path) as house:
        if wanted.load:
            load = Load(folder_reused=True)
            say("starting the matcher")
            await house.seat_matcher()
        else:
            load = await loading.bring_in(
                house,
                probing,
                seekers=wanted.seekers,
                postings=wanted.postings,
                seed=wanted.seed,
                say=say,
            )
        size = {
            "seekers": wanted.seekers,
            "postings": wanted.postings,
            "probes": len(probing),
            "seed": wanted.seed,
        }
        kept.write(_LOADED, size | {"under_way": True})
        blocks = await _blocks(house, probing, wanted, say)
        kept.write(_LOADED, size)
    return Run(**size, seconds=wanted.seconds, machine=_machine(), load=load, blocks=tuple(blocks))


async def _blocks(
    house: House, probing: list[market.Probe], wanted: argparse.Namespace, say: Progress
) -> list[RateBlock | LatencyBlock]:
    """Turn by turn: the matcher, then the stand-in that says as much. The matcher sits already."""
    blocks: list[RateBlock | LatencyBlock] = []
    async with (
        house.watch() as watch,
        desk(house) as at_desk,
        listening(house, probing) as ears,
    ):
        meter = Meter(house, watch, at_desk, ears, probing, wanted.seed, say)
        rate = 0.0
        for turn in range(wanted.rounds):
            if turn:
                say("the matcher's turn")
                await house.seat_matcher()
                await watch.drained(_PATIENCE_S, say)
            mine = await _turn(meter, MATCHER, rate, wanted.seconds)
            # The same rates from then on, so that like is compared with like.
            rate = rate or _sustained(mine)
            say("the stand-in's turn")
            await house.seat_passthrough(_script(meter, mine, wanted.seekers))
            blocks += [*mine, *await _turn(meter, PASSTHROUGH, rate, wanted.seconds)]
        await house.leave_empty()
    return blocks


async def _turn(
    meter: Meter, engine: str, rate: float, seconds: float
) -> list[RateBlock | LatencyBlock]:
    """A block for the rate, and one for each share of it. rate: 0: the one found in this turn."""
    await meter.warm_up()
    first = await meter.rate_block(engine, seconds)
    sustained = rate or first.postings_a_second
    slower = [
        await meter.latency_block(engine, share, share * sustained, seconds) for share in _SHARES
    ]
    await meter.close_all()
    return [first, *slower]


def _sustained(blocks: Sequence[RateBlock | LatencyBlock]) -> float:
    return next(block.postings_a_second for block in blocks if isinstance(block, RateBlock))


def _script(
    meter: Meter, blocks: Sequence[RateBlock | LatencyBlock], seekers: int
) -> dict[str, object]:
    """What the stand-in is to say: as much as the matcher said in these blocks."""
    if meter.state is None:
        raise BenchFailed("the matcher found no match at all: there is nothing to compare with")
    of_other = next(block.fan for block in blocks if isinstance(block, RateBlock))
    of_probe = _mean([block.fan for block in blocks if isinstance(block, LatencyBlock)])
    return {
        "accounts": market.accounts(seekers),
        "probes": {probe.account: probe.account for probe in meter.probing},
        "of_probe": asdict(of_probe),
        "of_other": asdict(of_other),
        "state": meter.state,
    }


def _mean(fans: Sequence[Fan]) -> Fan:
    return Fan(
        sum(fan.seen for fan in fans) / len(fans),
        sum(fan.unseen for fan in fans) / len(fans),
        sum(fan.gone for fan in fans) / len(fans),
    )


def _machine() -> str:
    memory_gb = psutil.virtual_memory().total / 1e9
    return f"{os.cpu_count()} cores, {memory_gb:.0f} GB, Python {platform.python_version()}"


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
