"""Numbers for the codes that documents speak in: places, occupations, spellings, sets of weights.

A code is compared for equality only, so any number will do; a new code gets the next. Tables tell
of each number what the search needs. What a document holds does not live here.
"""

from collections.abc import Callable, Sequence
from itertools import repeat

import numpy as np

from contracts.vocabulary.counties import prefecture_of
from contracts.vocabulary.neighbours import neighbours_of
from services.matcher.domain.fast.growing import Array, Growing
from services.matcher.domain.fast.layout import MOST_BESIDE, TAG_VALUE
from services.matcher.domain.scoring import CLOSENESS_PPM

_LEVELS = len(CLOSENESS_PPM) - 1
_MOST = TAG_VALUE >> 4
_NONE = -1


class TooManyCodes(ValueError):
    """More different codes than a tag has room for."""


class Places:
    """Counties and prefectures: in which prefecture each lies, and which border it."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._prefectures = Growing(np.int32)
        self._beside = Growing(np.int32, MOST_BESIDE)
        self._around: dict[str, tuple[int, int, tuple[int, ...]]] = {}

    @property
    def prefectures(self) -> Array:
        """int32 (≥ n_places,): the number of each place's prefecture."""
        return self._prefectures.held

    @property
    def beside(self) -> Array:
        """int32 (≥ n_places, MOST_BESIDE): the known counties that border each, -1 beyond them."""
        return self._beside.held

    def beside_of(self, code: str) -> list[int]:
        """The numbers of the known counties that border one."""
        known = map(self._numbers.get, neighbours_of(code))
        return [number for number in known if number is not None]

    def around(self, code: str) -> tuple[int, int, tuple[int, ...]]:
        """The numbers of a county, its prefecture and the known counties that border it."""
        found = self._around.get(code)
        if found is None:
            number = self.number(code)
            prefecture = int(self._prefectures.held[number])
            found = self._around[code] = number, prefecture, tuple(self.beside_of(code))
        return found

    def number(self, code: str) -> int:
        """The number of a place."""
        number = self._numbers.get(code)
        if number is None:
            self._around.clear()
            number = self._numbers[code] = _next(self._numbers)
            self._prefectures.extend([number])
            self._beside.extend([[_NONE] * MOST_BESIDE])
            for other in self.beside_of(code):
                self._border(number, other)
                self._border(other, number)
            prefecture = prefecture_of(code)
            if prefecture != code:
                self._prefectures.held[number] = self.number(prefecture)
        return number

    def numbers(self, codes: Sequence[str]) -> Array:
        """The numbers of many. int64 (n,)."""
        return _all_numbers(self._numbers, self.number, codes)

    def _border(self, number: int, other: int) -> None:
        row = self._beside.held[number]
        row[np.flatnonzero(row == _NONE)[0]] = other


class Occupations:
    """Occupations. paths: int32 (≥ n, 4), numbers of each one's first levels, -1 beyond its last.

    Two occupations share as many levels as their paths share numbers from the first on.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        self._paths = Growing(np.int32, _LEVELS)
        self._masks: list[tuple[int, ...]] = []

    @property
    def ranks(self) -> Array:
        """int64 (n_occupations,): the place of each in the order of the tree."""
        ranks = np.empty(len(self._numbers), np.int64)
        ranks[np.argsort(np.array(list(self._numbers), np.str_))] = np.arange(len(ranks))
        return ranks

    def masks(self, number: int) -> tuple[int, ...]:
        """For each level the bit of an occupation's group modulo 64; 0 beyond its last."""
        return self._masks[number]

    @property
    def paths(self) -> Array:
        """int32 (≥ n_occupations, 4)."""
        return self._paths.held

    def number(self, code: str) -> int:
        """The number of an occupation."""
        number = self._numbers.get(code)
        if number is None:
            number = self._numbers[code] = _next(self._numbers)
            parts = code.split("-")[:_LEVELS]
            path = [_NONE] * _LEVELS
            for level in range(len(parts)):
                group = "-".join(parts[: level + 1])
                path[level] = self._groups.setdefault(group, len(self._groups))
            self._paths.extend([path])
            self._masks.append(tuple(0 if at == _NONE else 1 << (at & 63) for at in path))
        return number

    def numbers(self, codes: Sequence[str]) -> Array:
        """The numbers of many. int64 (n,)."""
        return _all_numbers(self._numbers, self.number, codes)


class WeightSets:
    """Weights of postings. rows: int64 (≥ n, 7), as `model.Weights` orders them.

    most: int64 (7,), the most that each weight is in any set.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, ...], int] = {}
        self._rows = Growing(np.int64, 7, room=8)
        self.most: Array = np.zeros(7, np.int64)

    @property
    def rows(self) -> Array:
        """int64 (≥ n_sets, 7)."""
        return self._rows.held

    def number(self, weights: tuple[int, ...]) -> int:
        """The number of a set of weights."""
        weights = tuple(weights)
        number = self._numbers.get(weights)
        if number is None:
            number = self._numbers[weights] = _next(self._numbers)
            self._rows.extend([weights])
            self.most = np.maximum(self.most, np.array(weights, np.int64))
        return number


def _next(numbers: dict[str, int] | dict[tuple[int, ...], int]) -> int:
    if len(numbers) >= _MOST:
        raise TooManyCodes(f"more than {_MOST} codes")
    return len(numbers)


def _all_numbers(
    known: dict[str, int], number: Callable[[str], int], codes: Sequence[str]
) -> Array:
    found = np.fromiter(map(known.get, codes, repeat(_NONE)), np.int64, len(codes))
    for at in np.flatnonzero(found == _NONE).tolist():
        found[at] = number(codes[at])
    return found
