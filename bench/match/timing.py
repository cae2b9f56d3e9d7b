"""How the clock is held: alternating blocks in one process, one thread, one question after another.

What the figures must be does not live here.
"""

import ctypes
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contenders.contender import Way
from bench.queries import Query

BLOCK = 20
"""Questions of a block. A way that answers one in seconds gets one of them a block."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What one way took beside ours, block for block, in seconds a question.

    ratios: of each block, the mean of the other's over the mean of ours. asked: which of the
    questions the other was asked, beside answers.
    """

    ours_s: tuple[float, ...]
    other_s: tuple[float, ...]
    ratios: tuple[float, ...]
    asked: tuple[int, ...]
    answers: tuple[Any, ...]


def paired(ours: Way, other: Way, queries: Sequence[Query]) -> Paired:
    """Ask both the same questions, a block of ours and then the same of the other.

    Where `other.most` is less than the questions, it gets the first ones of each block.
    """
    starts = range(0, len(queries), BLOCK)
    all_of_them = other.most >= len(queries)
    share = BLOCK if all_of_them else max(1, other.most // len(starts))
    starts = starts[: -(-min(other.most, len(queries)) // share)]
    warm(other, queries if all_of_them else queries[:1])
    ours_s: list[float] = []
    other_s: list[float] = []
    ratios: list[float] = []
    asked: list[int] = []
    answers: list[Any] = []
    for start in starts:
        ours_block, _ = timed(ours, queries[start : start + BLOCK])
        other_block, found = timed(other, queries[start : start + share])
        ratios.append(float(np.mean(other_block) / np.mean(ours_block)))
        ours_s += ours_block
        other_s += other_block
        asked += range(start, start + len(found))
        answers += found
    return Paired(tuple(ours_s), tuple(other_s), tuple(ratios), tuple(asked), tuple(answers))


def timed(way: Way, queries: Sequence[Query]) -> tuple[list[float], list[Any]]:
    """Seconds of each question, and the answers in the way's own form.

    Words and facts are at hand; to make a question of them is each way's affair, and in the time.
    """
    seconds, answers = [], []
    with undisturbed():
        for query in queries:
            began = time.perf_counter()
            answer = way.ask(way.ready(query))
            seconds.append(time.perf_counter() - began)
            answers.append(answer)
    return seconds, answers


def warm(way: Way, queries: Sequence[Query]) -> None:
    """Ask without looking at the clock."""
    for query in queries:
        way.ask(way.ready(query))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without the garbage collector, as timeit does."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def let_go() -> None:
    """Give memory that nobody holds back to the system, before the next one is loaded."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return  # not glibc: what it keeps, it keeps


def median_ms(seconds: Sequence[float]) -> float:
    """The median in milliseconds."""
    return float(np.median(seconds)) * 1_000


def p99_ms(seconds: Sequence[float]) -> float:
    """The 99th percentile in milliseconds."""
    return float(np.percentile(seconds, 99)) * 1_000
