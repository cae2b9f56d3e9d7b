"""The words of the made-up market: as frequent as words are, each with a bucket of its own.

Who says which of them does not live here.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.language.text import BUCKETS, bucket_of


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Words by number, the most frequent first.

    words: their spellings. buckets: int32 (n,), distinct. cumulated: float64 (n,), ascending to 1.
    """

    words: tuple[str, ...]
    buckets: NDArray[np.int32]
    cumulated: NDArray[np.float64]

    def drawn(self, rng: np.random.Generator, count: int) -> NDArray[np.int32]:
        """`count` words by Zipf's law. Returns int32 (count,), numbers of words."""
        return drawn(rng, self.cumulated, count)


def drawn(
    rng: np.random.Generator, cumulated: NDArray[np.float64], count: int
) -> NDArray[np.int32]:
    """`count` draws from a cumulated distribution. Returns int32 (count,), places in it."""
    return np.searchsorted(cumulated, rng.random(count), side="right").astype(np.int32)


def zipf(count: int, exponent: float) -> NDArray[np.float64]:
    """Cumulated probabilities of ranks 1 … count, each rank's being rank ** -exponent."""
    weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    cumulated = np.cumsum(weights / weights.sum())
    cumulated[-1] = 1.0
    return cumulated


@cache
def vocabulary(count: int, exponent: float) -> Vocabulary:
    """A vocabulary of so many words. Raises ValueError where not every word can have a bucket.

    A word whose bucket is taken is spelled differently: what two words in one bucket do to a
    score is the tokeniser's and the model's matter, and would only blur who is exact.
    """
    if count > BUCKETS // 2:
        raise ValueError(f"{count} words are too many for {BUCKETS} buckets")
    taken: dict[int, str] = {}
    for number in range(count):
        word = f"w{number}"
        while (bucket := bucket_of(word)) in taken:
            word += "x"
        taken[bucket] = word
    return Vocabulary(
        words=tuple(taken.values()),
        buckets=np.fromiter(taken, np.int32, count),
        cumulated=zipf(count, exponent),
    )
