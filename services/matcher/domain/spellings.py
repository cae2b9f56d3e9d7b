"""Which spellings of skills are near which: found once for each spelling, not for each document.

What two spellings are worth to a score does not live here.
"""

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from contracts.values import PPM
from services.matcher.domain.growing import Column, Ints
from services.matcher.domain.scoring import SKILL_CUTOFF_PPM


class Spellings:
    """Every spelling seen so far, numbered from 0, and the neighbours of those asked for."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._known: list[str] = []
        self._lengths = Column()
        self._near: dict[str, tuple[int, Ints, Ints]] = {}

    def number(self, spelling: str) -> int:
        """The number of a spelling; a new one gets the next."""
        number = self._number.setdefault(spelling, len(self._known))
        if number == len(self._known):
            self._known.append(spelling)
            self._lengths.extend([len(spelling)])
        return number

    def similarities(self, spellings: list[str]) -> Ints:
        """For each known spelling the similarity to the nearest of these, 0 below the cut-off.

        Returns int64 (n_known,), in millionths, as `scoring.similarity_ppm` has it.
        """
        best = np.zeros(len(self._known), np.int64)
        for spelling in spellings:
            numbers, similar = self._neighbours(spelling)
            best[numbers] = np.maximum(best[numbers], similar)
        return best

    def _neighbours(self, spelling: str) -> tuple[Ints, Ints]:
        """Numbers and similarities within the cut-off; kept, and extended as more are known."""
        empty = np.zeros(0, np.int64)
        seen, numbers, similar = self._near.get(spelling, (0, empty, empty))
        if seen < len(self._known):
            distances: NDArray[np.int64] = cdist(
                [spelling], self._known[seen:], scorer=Indel.distance, dtype=np.int64
            )[0]
            lengths = self._lengths.values[seen:] + len(spelling)
            new = PPM * (lengths - distances) // np.maximum(lengths, 1)
            near = np.flatnonzero(new >= SKILL_CUTOFF_PPM)
            numbers = np.concatenate((numbers, near + seen))
            similar = np.concatenate((similar, new[near]))
            self._near[spelling] = (len(self._known), numbers, similar)
        return numbers, similar
