"""A population of seekers in columns: drawn from a seed, and the same every time.

The documents an engine reads are made from it one by one in `documents`.
"""

import math
import sys
import time
from dataclasses import dataclass

import numpy as np

from bench.drawing import PAGE, Page, draw_page
from bench.names import occupation_rows, skill_rows
from bench.wording import SEEKER, Rarity, Said, Vectors, worded
from bench.world import World
from services.matcher.domain.language.terms import IDF_UNIT
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.model import Limits, Model, Weights

SUBLINEAR = np.array(
    [0, *(round(IDF_UNIT * (1 + math.log(n))) for n in range(1, 256))], dtype=np.int64
)
"""Weight of a term by how often it is said, as the model has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Seekers 0 … n - 1, and the model fitted to them.

    page: all their columns, as `drawing.Page` describes them. terms: of all that each says. fitted:
    the model is fitted to the first so many; any others are to come.
    """

    world: World
    model: Model
    page: Page
    terms: Vectors
    fitted: int

    def __len__(self) -> int:
        return len(self.page.homes)

    def first(self, n: int) -> "Population":
        """The first n seekers under a model fitted to them alone. Columns are views."""
        page = self.page.first(n)
        if n == self.fitted:
            return Population(self.world, self.model, page, self.terms.first(n), n)
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
    """Fit the model to the texts of the first seekers, and word all seekers under it."""
    df = np.bincount(page.buckets[: page.term_starts[n_fitted]], minlength=BUCKETS)
    idf = np.rint(IDF_UNIT * (1 + np.log((1 + n_fitted) / (1 + df)))).astype(np.uint16)
    unseen = round(IDF_UNIT * (1 + math.log(1 + n_fitted)))
    # Every pair is listed, however little it scores: a search must find k of them.
    model = Model(idf, unseen, Weights(), Limits(), "").limited(tau_ppm=0)
    terms = Vectors.joined(
        [
            worded(_said(page, start), world.names, rarity(world, model), SEEKER)
            for start in range(0, len(page.homes), PAGE)
        ]
    )
    return Population(world, model, page, terms, n_fitted)


def rarity(world: World, model: Model) -> Rarity:
    """What the words of the world weigh under a model."""
    return Rarity(model.idf, SUBLINEAR, world.vocabulary.buckets)


def _said(page: Page, start: int) -> Said:
    """What PAGE seekers say."""
    rows = slice(start, start + PAGE)
    starts = page.term_starts[start : start + PAGE + 1]
    skill_starts = page.skill_starts[start : start + PAGE + 1]
    text = slice(starts[0], starts[-1])
    return Said(
        starts - starts[0],
        page.buckets[text],
        page.times[text],
        page.titles[rows].astype(np.int32),
        occupation_rows(page.occupations[rows]),
        skill_starts - skill_starts[0],
        skill_rows(page.skills[skill_starts[0] : skill_starts[-1]]),
    )
