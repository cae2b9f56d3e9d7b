"""A population of seekers in columns: drawn from a seed, and the same every time.

The documents an engine reads are made from it one by one in `documents`.
"""

import math
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.drawing import PAGE, Page, draw_page
from bench.world import World
from services.matcher.domain.language.terms import IDF_UNIT
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.model import Limits, Model, Weights
from services.matcher.domain.vector import SCALE

SUBLINEAR = np.array(
    [0, *(round(IDF_UNIT * (1 + math.log(n))) for n in range(1, 256))], dtype=np.int64
)
"""Weight of a term by how often it is said, as the model has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Seekers 0 … n - 1, and the model fitted to them.

    page: all their columns, as `drawing.Page` describes them. impacts: uint16 (n_terms,), beside
    page.buckets. fitted: the model is fitted to the first so many; any others are to come.
    """

    world: World
    model: Model
    page: Page
    impacts: NDArray[np.uint16]
    fitted: int

    def __len__(self) -> int:
        return len(self.page.homes)

    def first(self, n: int) -> "Population":
        """The first n seekers under a model fitted to them alone. Columns are views."""
        page = self.page.first(n)
        if n == self.fitted:
            return Population(self.world, self.model, page, self.impacts[: len(page.buckets)], n)
        return _weighed(self.world, page, n)


def make_population(seed: int, world: World, n: int, more: int = 0) -> Population:
    """n seekers, and `more` who are known to the columns but not to the model: those to come."""
    began = time.monotonic()
    pages = []
    for at in range(-(-(n + more) // PAGE)):
        pages.append(draw_page(np.random.default_rng((seed, 1, at)), world))
        if (at + 1) % 20 == 0:
            progress(f"{(at + 1) * PAGE:,} seekers drawn, {time.monotonic() - began:.0f} s")
    whole = Page.joined(pages).first(n + more)
    del pages
    return _weighed(world, whole, n)


def progress(words: str) -> None:
    """Say how far it is; the result alone goes to stdout."""
    print(f"bench: {words}", file=sys.stderr, flush=True)


def _weighed(world: World, page: Page, n_fitted: int) -> Population:
    """Fit the model to the first seekers, and weigh all terms by it."""
    df = np.bincount(page.buckets[: page.term_starts[n_fitted]], minlength=BUCKETS)
    idf = np.rint(IDF_UNIT * (1 + np.log((1 + n_fitted) / (1 + df)))).astype(np.uint16)
    unseen = round(IDF_UNIT * (1 + math.log(1 + n_fitted)))
    # Every pair is listed, however little it scores: a search must find k of them.
    model = Model(idf, unseen, Weights(), Limits(), "").limited(tau_ppm=0)
    impacts = np.empty(len(page.buckets), np.uint16)
    n = len(page.homes)
    for start in range(0, n, PAGE):
        ends = page.term_starts[start : min(start + PAGE, n) + 1]
        part = slice(ends[0], ends[-1])
        impacts[part] = weighed(model, page.buckets[part], page.times[part], ends - ends[0])
    return Population(world, model, page, impacts, n_fitted)


def weighed(
    model: Model,
    buckets: NDArray[np.int32],
    times: NDArray[np.uint8],
    starts: NDArray[np.int64],
) -> NDArray[np.uint16]:
    """What `Model.vector` makes of terms already counted, for many documents at once.

    buckets, times: (n_terms,), document by document; starts: (n_documents + 1,), none empty.
    """
    weights = SUBLINEAR[times] * model.idf[buckets].astype(np.int64)
    squares = np.maximum(np.add.reduceat(weights * weights, starts[:-1]) - 1, 0)
    roots = np.floor(np.sqrt(squares.astype(np.float64))).astype(np.int64)
    roots -= roots * roots > squares
    roots += (roots + 1) * (roots + 1) <= squares
    lengths = np.repeat(roots + 1, np.diff(starts))
    impacts: NDArray[np.uint16] = (weights * SCALE // lengths).astype(np.uint16)
    return impacts
