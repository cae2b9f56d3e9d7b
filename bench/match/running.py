"""The run: which sizes, who is measured at each, and in which order, so that memory suffices.

How the clock is held lives in `timing`; what the figures must be, in `required`.
"""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.contenders.contender import TOP, Way
from bench.contenders.ours import Ours
from bench.documents import ids_of
from bench.exact import Exact
from bench.match import other_side, peers, updating
from bench.match.peers import Peer
from bench.match.required import OURS
from bench.match.result import Exactness, Extra, Result, Row
from bench.match.timing import let_go, median_ms, p99_ms, paired, timed, warm
from bench.population import Population, make_population, progress
from bench.queries import Query, make_queries, with_unseen_skills
from bench.world import World, make_world
from contracts.values import SeekerId

SIZES = (50_000, 100_000, 200_000, 400_000, 800_000)
"""Sizes beside the largest, for the picture."""

_UNSEEN = 60


@dataclass(frozen=True, slots=True)
class Truth:
    """The exact answers: of each query its rows, and its pairs as our engine gives them."""

    rows: tuple[frozenset[int], ...]
    pairs: tuple[list[tuple[int, SeekerId]], ...]


def run(
    *,
    seed: int,
    seekers: int,
    queries: int,
    queries_on_the_way: int,
    quick: bool,
    world: World | None = None,
) -> Result:
    """Measure everything. Says on stderr how far it is. world: the usual one of the seed."""
    settings = {"seed": seed, "seekers": seekers, "queries": queries, "quick": quick}
    all_peers, missing = peers.found(peers.QUICK if quick else peers.ALL)
    few_peers, _ = peers.found(peers.ON_THE_WAY)
    result = Result(settings=settings, machine=_machine(), missing=missing)
    to_come = updating.A_QUERY * (1 + queries)
    progress(f"drawing {seekers:,} seekers")
    everyone = make_population(seed, world or make_world(seed), seekers, to_come)
    sizes = () if quick else tuple(size for size in SIZES if size < seekers)
    for size in sizes:
        population = everyone.first(size)
        asked = make_queries(seed, population, queries_on_the_way)
        ours = Ours()
        _measure_size(result, ours, population, population, asked, few_peers)
        ours.close()
        let_go()
    population = everyone.first(seekers)
    asked = make_queries(seed, population, queries)
    _describe(result, population, asked)
    ours = Ours()
    _measure_size(result, ours, everyone, population, asked, all_peers)
    result.extras.append(_unseen(ours, seed, population, asked))
    if not quick:
        progress("searching the other direction")
        extra, exact = other_side.measure(population, seed)
        result.extras.append(extra)
        result.exact.append(exact)
    progress("searching with updates running")
    result.updates = updating.measure(ours, everyone, asked, seed)
    result.exact.append(result.updates.checked)
    result.lists_bytes = ours.lists_bytes()
    ours.close()
    return result


def _measure_size(
    result: Result,
    ours: Ours,
    everyone: Population,
    population: Population,
    queries: Sequence[Query],
    beside: Sequence[Peer],
) -> None:
    """Load ours, see that it is exact, and measure each peer beside it, one loaded at a time."""
    n = len(population)
    progress(f"{n:,} seekers: loading {ours.name}")
    build_s = ours.load(everyone, n)
    (way,) = ours.ways()
    progress(f"{n:,} seekers: finding the exact answers of {len(queries)} queries")
    truth = _truth(population, queries)
    # The first time it is asked for a spelling, an engine has to find those near it.
    warm(way, queries[:1])
    first_s, answers = timed(way, queries)
    equal = sum(found.pairs() == right for found, right in zip(answers, truth.pairs, strict=True))
    result.exact.append(Exactness(n, len(queries), equal))
    result.extras.append(
        Extra("asked for the first time", n, median_ms(first_s), p99_ms(first_s), len(queries))
    )
    ours_s: list[float] = []
    rows: list[Row] = []
    for make in beside:
        began = time.monotonic()
        peer = make()
        peer_build_s = peer.load(population)
        for other in peer.ways():
            held = paired(way, other, queries)
            ours_s += held.ours_s
            rows.append(
                Row(
                    name=other.name,
                    seekers=n,
                    median_ms=median_ms(held.other_s),
                    p99_ms=p99_ms(held.other_s),
                    queries=len(held.other_s),
                    recall=recall_of(other, held.asked, held.answers, truth),
                    fused=other.fused,
                    bytes_per_seeker=peer.held_bytes() / n,
                    build_s=peer_build_s,
                    ratio_median=float(np.median(held.ratios)),
                    ratio_worst=min(held.ratios),
                )
            )
        peer.close()
        del peer
        let_go()
        progress(f"{n:,} seekers: {rows[-1].name} measured, {time.monotonic() - began:.0f} s")
    if not ours_s:
        ours_s, _ = timed(way, queries)
    recall = recall_of(way, range(len(queries)), answers, truth)
    held_per_seeker = ours.held_bytes() / n
    result.rows.append(
        Row(
            name=OURS,
            seekers=n,
            median_ms=median_ms(ours_s),
            p99_ms=p99_ms(ours_s),
            queries=len(ours_s),
            recall=recall,
            fused=True,
            bytes_per_seeker=held_per_seeker,
            build_s=build_s,
        )
    )
    result.rows += rows


def _truth(population: Population, queries: Sequence[Query]) -> Truth:
    exact = Exact(population)
    exact.learn(queries)
    rows, pairs = [], []
    for query in queries:
        found, scores = exact.best(query, TOP)
        rows.append(frozenset(found.tolist()))
        pairs.append(list(zip(scores.tolist(), ids_of(population, found), strict=True)))
    return Truth(tuple(rows), tuple(pairs))


def recall_of(way: Way, asked: Sequence[int], answers: Sequence[Any], truth: Truth) -> float | None:
    """The mean share of the exact rows that were found; of queries that have any."""
    shares = [
        len(truth.rows[at].intersection(way.rows(answer))) / len(truth.rows[at])
        for at, answer in zip(asked, answers, strict=True)
        if truth.rows[at]
    ]
    return float(np.mean(shares)) if shares else None


def _unseen(ours: Ours, seed: int, population: Population, queries: Sequence[Query]) -> Extra:
    (way,) = ours.ways()
    unseen = with_unseen_skills(seed, population, queries[:_UNSEEN])
    seconds, _ = timed(way, unseen)
    return Extra(
        "a skill under a spelling nobody used before",
        len(population),
        median_ms(seconds),
        p99_ms(seconds),
        len(seconds),
    )


def _describe(result: Result, population: Population, queries: Sequence[Query]) -> None:
    page = population.page
    result.spellings_seen = len(np.unique(page.skills))
    shares = []
    codes = {code: at for at, code in enumerate(population.world.places)}
    for query in queries:
        doc = query.posting.doc
        wanted = np.array([codes[doc.county], codes[query.posting.prefecture]])
        shares.append(float(np.mean(np.isin(page.places, wanted).any(axis=1))))
    result.eligible_by_place = float(np.mean(shares))


def _machine() -> dict[str, Any]:
    """What the figures were made on; the model's name where Linux tells it."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {"CPU": cpu, "cores": os.cpu_count(), "Python": platform.python_version()}
