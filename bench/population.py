"""A population of seekers in columns: drawn from a seed, and the same every time.

The documents an engine reads are made from it one by one in `documents`.
"""

import math
import sys
import time
from dataclasses import dataclass, replace

import numpy as np

from bench.drawing import PAGE, Page, draw_page
from bench.names import SKILL_WORDS, occupation_rows, skill_rows
from bench.wording import SEEKER, Rarity, Said, Vectors, shown, worded
from bench.world import World
from contracts.vocabulary.occupations import occupation_name
from services.matcher.domain.language.synonyms import plain_skill
from services.matcher.domain.language.terms import IDF_UNIT
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.model import Limits, Model, Weights
from services.matcher.domain.vector import SCALE, TermVector
from services.matcher.domain.wording import shown as words_of

SUBLINEAR = np.array(
    [0, *(round(IDF_UNIT * (1 + math.log(n))) for n in range(1, 256))], dtype=np.int64
)
"""Weight of a term by how often it is said, as the model has it."""


class MadeUp(Model):
    """A model of made-up words: what a skill is called says nothing of its words."""

    _world: World
    _row_of: dict[str, int]

    @classmethod
    def of(cls, model: Model, world: World) -> "MadeUp":
        """The same model, in this world."""
        made = cls(model.idf, model.unseen, model.weights, model.limits, model.version)
        rows = skill_rows(np.arange(len(world.skills.spellings), dtype=np.int32))
        row_of = dict(zip(world.skills.spellings, rows.tolist(), strict=True))
        named = [plain_skill(occupation_name(code)) for code in world.occupations]
        row_of.update(zip(named, rows[world.skills.names].tolist(), strict=True))
        object.__setattr__(made, "_world", world)
        object.__setattr__(made, "_row_of", row_of)
        return made

    def vector_of_skill(self, name: str) -> TermVector:
        """The rarest words of the name, as `Names` has them."""
        world = self._world
        words = world.names.words[self._row_of[name], -SKILL_WORDS:]
        # Each is said once, and has a bucket of its own.
        buckets = np.sort(world.vocabulary.buckets[words[words >= 0]])
        weights = SUBLINEAR[1] * self.idf[buckets]
        length = math.isqrt(max(int((weights * weights).sum()) - 1, 0)) + 1
        return TermVector(buckets, (weights * SCALE // length).astype(np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Seekers 0 … n - 1, and the model fitted to them.

    page: all their columns, as `drawing.Page` describes them. terms: of all that each says, but for
    the words of what it shows; shown: those of each spelling. fitted: the model is fitted to the
    first so many; any others are to come.
    """

    world: World
    model: Model
    page: Page
    terms: Vectors
    shown: Vectors
    fitted: int

    def __len__(self) -> int:
        return len(self.page.homes)

    def first(self, n: int) -> "Population":
        """The first n seekers under a model fitted to them alone. Columns are views."""
        page = self.page.first(n)
        if n == self.fitted:
            return Population(self.world, self.model, page, self.terms.first(n), self.shown, n)
        return _weighed(self.world, page, n)


def as_stored(population: Population, **limits: int) -> Population:
    """The same under a model that can be stored, with these limits, as `Model.limited` takes them.

    To it, what a skill is called says which words it has.
    """
    world, model = population.world, population.model.limited(**limits)
    words = [words_of(model, name) for name in world.skills.spellings]
    for code, number in zip(world.occupations, world.skills.names.tolist(), strict=True):
        words[number] = words_of(model, plain_skill(occupation_name(code)))
    return replace(population, model=model, shown=Vectors.of(words))


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
    every = skill_rows(np.arange(len(world.skills.spellings), dtype=np.int32))
    words = shown(every, world.names, rarity(world, model))
    return Population(world, MadeUp.of(model, world), page, terms, words, n_fitted)


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
