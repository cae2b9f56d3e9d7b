"""Brings the population into an empty house through the import doors; says how long it takes."""

import asyncio
import time
from collections.abc import Callable, Sequence

import orjson

from bench.flow import market
from bench.flow.backlog import Say, Watch
from bench.flow.figures import BenchFailed, Load
from bench.flow.house import NOTHING_FITS, House
from bench.flow.market import Probe
from bench.flow.wire import Door
from contracts.topics import MATCHES
from dev.sample import generate

_LINES = 500
_DOORS = 3
_PATIENCE_S = 600.0
_TELL_EVERY_S = 10.0


async def bring_in(
    house: House, probing: list[Probe], *, seekers: int, postings: int, seed: int, say: Say
) -> Load:
    """Seekers, postings, then the matcher; returns how long each step took.

    Nobody matches while the doors are timed. Then the matcher reads all documents with limits that
    nothing meets, and is started again with its own: it announces the live matches once, instead
    of every step of a market that grows from nothing, which is some fifty times as much.
    """
    steps: list[tuple[str, int, float]] = []

    def took(what: str, count: int, began: float) -> None:
        seconds = time.perf_counter() - began
        steps.append((what, count, round(seconds, 2)))
        say(f"{what}: {count:,} in {seconds:.1f} s, {count / max(seconds, 1e-9):,.0f}/s")

    say("making the market")
    people = market.seekers(seekers, probing, seed=seed)
    jobs = market.postings(postings, seed=seed)
    async with house.watch() as watch:
        began = time.perf_counter()
        operator = _chunks(people, lambda _: ("operator", "flow-bench"))
        await _import(house, "seekers", "/v1/seekers/import", operator, say)
        took("seekers through the import door", len(people), began)
        began = time.perf_counter()
        firms = _chunks(jobs, lambda n: ("employer", generate.firm(n + 1)))
        await _import(house, "postings", "/v1/postings/import", firms, say)
        took("postings through the import door", len(jobs), began)
        documents = len(people) + len(jobs)
        began = time.perf_counter()
        await house.seat_matcher(NOTHING_FITS)
        await watch.drained(_PATIENCE_S, say, _TELL_EVERY_S)
        took("documents taken in by the matcher", documents, began)
        before = sum((await watch.ends(MATCHES)).values())
        began = time.perf_counter()
        await _announce(house, watch, say)
        await watch.drained(_PATIENCE_S, say, _TELL_EVERY_S)
        events = sum((await watch.ends(MATCHES)).values()) - before
        took("live matches announced and read", events, began)
    return Load(tuple(steps))


async def _announce(house: House, watch: Watch, say: Say) -> None:
    """Start the matcher with its own limits, saying how far it is."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            ends = sum((await watch.ends(MATCHES)).values())
            say(f"match events on the bus so far: {ends:,}")

    telling = asyncio.create_task(tell())
    try:
        await house.seat_matcher()
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


_Chunk = tuple[tuple[str, str], bytes, int]


def _chunks(lines: Sequence[bytes], who: Callable[[int], tuple[str, str]]) -> list[_Chunk]:
    starts = range(0, len(lines), _LINES)
    return [
        (who(n), b"\n".join(lines[start : start + _LINES]), len(lines[start : start + _LINES]))
        for n, start in enumerate(starts)
    ]


async def _import(
    house: House, service: str, path: str, chunks: Sequence[_Chunk], say: Say
) -> None:
    waiting = iter(chunks)
    done, whole = 0, sum(count for _, _, count in chunks)
    told_at = time.monotonic()

    async def work() -> None:
        nonlocal done, told_at
        async with Door(house.url(service)) as door:
            for who, body, count in waiting:
                headers = house.headers(*who) | {"Content-Type": "application/x-ndjson"}
                report = orjson.loads((await door.post(path, headers, body)).expect(200).body)
                if report["rejected"]:
                    refused = [line for line in report["lines"] if line["status"] == "rejected"]
                    raise BenchFailed(f"{service} refused a line: {refused[0]['errors']}")
                done += count
                if time.monotonic() - told_at > _TELL_EVERY_S:
                    told_at = time.monotonic()
                    say(f"{service}: {done:,} of {whole:,}")

    async with asyncio.TaskGroup() as group:
        for _ in range(_DOORS):
            group.create_task(work())
