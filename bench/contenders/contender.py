"""What everything that is measured does: take a population in, and find the best for a posting.

How long that takes is found out in `bench.match`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.population import Population
from bench.queries import Query

TOP = 100
"""How many seekers each is asked for."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask a contender. ready: the question in its own form, of words and facts at hand.

    ask: the question to its own form of answer; both are timed. rows: the rows in the answer,
    best first. fused: whether it ranks by the whole score, or by text alone. most: so many
    queries are enough, where one takes seconds.
    """

    name: str
    ready: Callable[[Query], Any]
    ask: Callable[[Any], Any]
    rows: Callable[[Any], Sequence[int]]
    fused: bool
    most: int = 1_000_000


class Contender(ABC):
    """Something that holds a population and can be asked. Loaded once, closed once."""

    name: str

    @abstractmethod
    def load(self, population: Population) -> float:
        """Take it in. Returns seconds, without those in which its documents were made."""

    @abstractmethod
    def ways(self) -> list[Way]:
        """How it can be asked, once loaded."""

    @abstractmethod
    def held_bytes(self) -> int:
        """What it holds for the search, beside the documents."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""
