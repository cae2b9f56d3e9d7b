"""Made-up documents are worded as the matcher words real ones, and speak of as much."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.drawing import NONE
from bench.names import TITLES, occupation_rows, skill_rows, title_rows
from bench.population import Population, rarity
from bench.wording import POSTING, SEEKER, Said, worded
from bench.world import World
from services.matcher.domain import wording
from services.matcher.domain.language.terms import weighed
from services.matcher.domain.language.text import bucket_of
from services.matcher.domain.language.trades import TRADE, Trades, labels
from services.matcher.domain.vector import (
    UNIT,
    TermVector,
    blended,
    rounded,
    stacked,
    strongest,
)

ROWS = 300
Rows = NDArray[np.int32]


class Teller:
    """Words documents of the population through the matcher's own rules, one at a time."""

    def __init__(self, population: Population) -> None:
        self.page, self.world = population.page, population.world
        self.model = population.model
        buckets = self.world.vocabulary.buckets.tolist()
        self.word_of = dict(zip(buckets, self.world.vocabulary.words, strict=True))

    def text(self, row: int) -> TermVector:
        at = slice(self.page.term_starts[row], self.page.term_starts[row + 1])
        said = zip(self.page.buckets[at].tolist(), self.page.times[at].tolist(), strict=True)
        return self._vector([self.word_of[bucket] for bucket, n in said for _ in range(n)])

    def names(self, rows: Rows) -> TermVector:
        words = self.world.vocabulary.words
        return self._vector([words[word] for word in self.world.names.said(rows).tolist()])

    def _vector(self, words: list[str]) -> TermVector:
        return weighed(self.model.rareness, words)

    def spoken(self, rows: Rows) -> list[Trades]:
        return [self.world.names.trades(row) for row in rows.tolist() if row != NONE]

    def skills(self, row: int) -> Rows:
        page = self.page
        return skill_rows(page.skills[page.skill_starts[row] : page.skill_starts[row + 1]])


def test_profiles_are_worded_as_the_matcher_words_them(population: Population) -> None:
    teller = Teller(population)
    for row in range(ROWS):
        titles = teller.page.titles[row].astype(np.int32)
        spoken = teller.spoken(titles)
        spoken += teller.spoken(occupation_rows(teller.page.occupations[row]))
        words = [(teller.names(titles), wording._TITLE), (teller.text(row), wording._TEXT)]
        parts = wording._parts(
            words,
            [(each, wording._TITLED) for each in spoken],
            None,
            wording._TRADES_DONE,
            wording._FIELDS_DONE,
        )
        whole = document([*parts, *claimed(teller, teller.skills(row))])
        assert population.terms.vector(row).to_bytes() == whole.to_bytes()


def document(parts: list[TermVector]) -> TermVector:
    return rounded(stacked(parts), wording._LEAST)


def claimed(teller: Teller, skills: Rows) -> list[TermVector]:
    """`wording._claims`, of names whose words are made up."""

    def lengthened(of: TermVector, length: int) -> TermVector:
        return blended([(of, 1)], length)

    spoken = teller.spoken(skills)
    trades = (
        lengthened(strongest(each.occupations, 1), each.likeness * wording._CLAIMED_TRADES // 1000)
        for each in spoken
    )
    fields = (
        lengthened(strongest(each.fields, 1), each.likeness * wording._CLAIMED_FIELDS // 1000)
        for each in spoken
    )
    return [
        stacked(trades, wording._thousandths(wording._MOST_OF_A_TRADE)),
        stacked(fields, wording._thousandths(wording._MOST_OF_A_FIELD)),
    ]


def test_the_words_of_a_skill_are_those_the_matcher_takes(population: Population) -> None:
    for number, name in list(enumerate(population.world.skills.spellings))[::60]:
        words = wording.shown(population.model, name)
        assert population.shown.vector(number).to_bytes() == words.to_bytes(), name


def test_postings_are_worded_as_the_matcher_words_them(population: Population) -> None:
    """With the texts, skills and occupations of profiles."""
    teller = Teller(population)
    page, world = population.page, population.world
    said = Said(
        page.term_starts[: ROWS + 1],
        page.buckets,
        page.times,
        page.titles[:ROWS, :1].astype(np.int32),
        occupation_rows(page.occupations[:ROWS, :1]),
        page.skill_starts[: ROWS + 1],
        skill_rows(page.skills),
    )
    made = worded(said, world.names, rarity(world, population.model), POSTING)
    for row in range(ROWS):
        skills = teller.skills(row)
        words = [
            (teller.names(said.titles[row]), wording._TITLE),
            (teller.names(skills), wording._SKILLS),
            (teller.text(row), wording._TEXT),
        ]
        titled = teller.spoken(said.titles[row]) + teller.spoken(said.occupations[row])
        spoken = [(each, wording._TITLED) for each in titled]
        spoken += [(each, wording._SKILLED) for each in teller.spoken(skills)]
        parts = wording._parts(
            words, spoken, wording._MOST_WORDS, wording._MOST_WANTED, wording._MOST_WANTED
        )
        assert made.vector(row).to_bytes() == document(parts).to_bytes()


def test_the_limits_of_claims_are_those_of_the_matcher(population: Population) -> None:
    """Of one skill claimed thirty times and more, only so much is added."""
    skill = skill_rows(np.zeros(30, np.int32))
    empty = np.zeros(0, np.int32)
    said = Said(
        np.zeros(2, np.int64),
        empty,
        np.zeros(0, np.uint8),
        np.full((1, 1), NONE, np.int32),
        np.full((1, 1), NONE, np.int32),
        np.array([0, 30], np.int64),
        skill,
    )
    world = population.world
    made = worded(said, world.names, rarity(world, population.model), SEEKER).vector(0)
    expected = document(claimed(Teller(population), skill[: wording._MOST_CLAIMED]))
    assert made.to_bytes() == expected.to_bytes()


def test_every_title_speaks_of_its_occupation(world: World) -> None:
    names = world.names
    for number, code in enumerate(world.occupations[::50]):
        at = np.array([50 * number], np.int16)
        stated = names.trades(int(occupation_rows(at)[0])).occupations
        assert stated.buckets.tolist() == [bucket_of(TRADE + code)]
        for nth in range(TITLES):
            spoken = names.trades(int(title_rows(at, np.array([nth]))[0])).occupations
            assert stated.buckets[0] in spoken.buckets


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("trade:", 4, 7), ("field:", 3, 5), (None, 33, 70)]
)
def test_profiles_say_as_much_of_each_kind_as_generated_ones(
    population: Population, kind: str | None, least: int, most: int
) -> None:
    """There: 5.1 trades and 3.9 fields each, and 33 other terms where texts are half as long."""
    told = labels()
    spoken = np.array([bucket for bucket, name in told.items() if kind and name.startswith(kind)])
    counted = np.isin(population.terms.buckets, spoken if kind else list(told), invert=not kind)
    assert least < counted.sum() / len(population) < most


def test_vectors_are_as_long_as_those_of_generated_profiles(population: Population) -> None:
    """There: 1.16 on average."""
    squares = population.terms.impacts.astype(np.int64) ** 2
    lengths = np.sqrt(np.add.reduceat(squares, population.terms.starts[:-1]))
    assert UNIT < lengths.mean() < 1.4 * UNIT
