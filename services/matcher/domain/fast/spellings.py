"""Spellings of skills by number, and which are near a spelling: looked for once, then remembered.

What two spellings are worth to a score does not live here.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import repeat

import numpy as np

from contracts.values import PPM
from services.matcher.domain.compiled import compiled
from services.matcher.domain.fast.growing import Array, Growing, Int
from services.matcher.domain.fast.memory import bits_set
from services.matcher.domain.scoring import SKILL_CUTOFF_PPM, similarity_ppm

_REMEMBERED = 1 << 16
_NEW = -1
_NEVER = -1
NONE_NEAR = np.zeros((0, 2), np.int64)


class Spellings:
    """The spellings of one side, numbered from 0, and those near the spellings of the other."""

    def __init__(
        self,
        compared: Callable[[str], str] = str,
        learn: Callable[[list[str]], None] | None = None,
    ) -> None:
        """compared: the spelling under which one is compared. learn: is told the new ones, in the
        order of their numbers."""
        self._compared, self._learn = compared, learn
        self._numbers: dict[str, int] = {}
        self._known: list[str] = []
        self._lengths = Growing(np.int32)
        self._letters = Growing(np.uint64)
        # For each spelling asked for: how many were known then, and the near ones.
        self._near: OrderedDict[str, tuple[int, Array]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays and about those of the strings."""
        strings = sum(map(len, self._known)) * 2 + 160 * len(self._known)
        return self._lengths.nbytes + self._letters.nbytes + strings

    def number(self, spelling: str) -> int:
        """The number of a spelling; a new one gets the next."""
        number = self._numbers.get(spelling)
        if number is None:
            number = self._numbers[spelling] = len(self._known)
            self._take([spelling])
        return number

    def numbers(self, spellings: Sequence[str]) -> Array:
        """The numbers of many. int32 (n,)."""
        known = self._numbers
        found = np.fromiter(map(known.get, spellings, repeat(_NEW)), np.int32, len(spellings))
        missing = np.flatnonzero(found == _NEW).tolist()
        new = list(dict.fromkeys([spellings[at] for at in missing]))
        known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
        self._take(new)
        found[missing] = [known[spellings[at]] for at in missing]
        return found

    def reorder(self, order: Array) -> None:
        """Number them anew: the first is to be that which was order[0]. None was compared yet."""
        names = list(self._numbers)
        self._numbers = {names[at]: number for number, at in enumerate(order.tolist())}
        self._known = [self._known[at] for at in order.tolist()]
        self._lengths.held[: len(order)] = self._lengths.values[order]
        self._letters.held[: len(order)] = self._letters.values[order]
        self._near.clear()

    def near(self, spelling: str) -> Array:
        """Number and similarity in millionths of all known within the cut-off. int64 (n, 2).

        The nearest first, of equals the lower number. Similarity as `scoring.similarity_ppm`. Only
        those that became known since the last time are compared.
        """
        seen, near = self._near.get(spelling, (_NEVER, NONE_NEAR))
        if seen < len(self._known):
            found = self._compare(spelling, max(seen, 0))
            if found:
                both = np.concatenate([near, np.array(found, np.int64)])
                near = both[np.lexsort((both[:, 0], -both[:, 1]))]
            self._near[spelling] = (len(self._known), near)
            if len(self._near) > _REMEMBERED:
                self._near.popitem(last=False)
        self._near.move_to_end(spelling)
        return near

    def _take(self, new: list[str]) -> None:
        compared = list(map(self._compared, new))
        self._known.extend(compared)
        self._lengths.extend(list(map(len, compared)))
        self._letters.extend(list(map(_letters, compared)))
        if self._learn:
            self._learn(new)

    def _compare(self, spelling: str, seen: int) -> list[tuple[int, int]]:
        may_be = _candidates(
            self._lengths.values[seen:],
            self._letters.values[seen:],
            len(spelling),
            _letters(spelling),
        )
        found = []
        for number in (may_be + seen).tolist():
            similar = similarity_ppm(spelling, self._known[number])
            if similar:
                found.append((number, similar))
        return found


def _letters(spelling: str) -> np.uint64:
    """Which letters a spelling has, each as one of 64 bits."""
    bits = 0
    for letter in spelling:
        bits |= 1 << ((ord(letter) * 0x9E3779B1 >> 7) & 63)
    return np.uint64(bits)


@compiled
def _candidates(lengths: Array, letters: Array, length: int, mine: Int) -> Array:
    """Those that may be near: none that is near is left out.

    Each letter that only one of the two has costs an operation, and each bit that only one has
    stands for at least one such letter; so does each letter that one is longer by.
    """
    found = np.empty(len(lengths), np.int64)
    n = 0
    for at in range(len(lengths)):
        both = np.int64(lengths[at]) + length
        # From PPM · (both - distance) // both ≥ cut-off, as `scoring.similarity_ppm` has it.
        most = both - -(-SKILL_CUTOFF_PPM * both // PPM)
        if abs(np.int64(lengths[at]) - length) > most:
            continue
        v = letters[at] ^ np.uint64(mine)
        if bits_set(v) > most:
            continue
        found[n] = at
        n += 1
    return found[:n]
