"""Documents on their way into a contender, with the time that making them took kept apart.

What is done with them does not live here.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.drawing import NONE
from bench.population import Population
from services.matcher.domain.language.text import BUCKETS

T = TypeVar("T")
_AT_ONCE = 10_000


class Making(Generic[T]):
    """Hands documents on. seconds: how long they took to be made, so far."""

    def __init__(self, documents: Iterable[T]) -> None:
        self._documents = documents
        self.seconds = 0.0

    def __iter__(self) -> Iterator[T]:
        began = time.perf_counter()
        for document in self._documents:
            self.seconds += time.perf_counter() - began
            yield document
            began = time.perf_counter()
        self.seconds += time.perf_counter() - began


def texts(population: Population) -> Iterator[str]:
    """The text of each row, and its titles: words as often as said, with spaces between."""
    for words in said_words(population):
        spelled = population.world.vocabulary.words
        yield " ".join([spelled[word] for word in words])


def said_words(population: Population) -> Iterator[list[int]]:
    """The numbers of the words of each row, each as often as its text and titles say it."""
    page, names = population.page, population.world.names
    vocabulary = population.world.vocabulary
    # One int object for each word, and not one for each time it is said: gigabytes at a million.
    numbers = np.arange(len(vocabulary.words)).astype(object)
    word_of = np.zeros(BUCKETS, object)
    word_of[vocabulary.buckets] = numbers
    for start in range(0, len(population), _AT_ONCE):
        starts = page.term_starts[start : start + _AT_ONCE + 1]
        part = slice(starts[0], starts[-1])
        words = word_of[np.repeat(page.buckets[part], page.times[part])].tolist()
        ends = np.concatenate(([0], np.cumsum(page.times[part], dtype=np.int64)))
        ends = ends[starts - starts[0]].tolist()
        for at in range(len(ends) - 1):
            titled = numbers[names.said(page.titles[start + at])].tolist()
            yield words[ends[at] : ends[at + 1]] + titled


def shown_skills(population: Population) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The spellings each row shows: its skills, then its certificates' names.

    Returns starts (n + 1,) and spellings (starts[-1],). A row shows at least one.
    """
    page, names = population.page, population.world.skills.names
    rows = np.repeat(np.arange(len(page.homes)), np.diff(page.skill_starts))
    at, _ = np.nonzero(page.certified != NONE)
    certified = page.certified[page.certified != NONE]
    rows = np.concatenate((rows, at))
    spellings = np.concatenate((page.skills, names[certified]))
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(len(page.homes) + 1))
    return starts.astype(np.int64), spellings[order].astype(np.int32)
