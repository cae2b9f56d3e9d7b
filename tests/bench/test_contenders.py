"""Those who rank by the whole score find the exact answer; ours also as seekers change."""

import numpy as np
import pytest

from bench.contenders.contender import TOP, Contender
from bench.contenders.exhaustive import Exhaustive
from bench.contenders.making import Making, said_words, shown_skills, texts
from bench.contenders.ours import Ours
from bench.contenders.scan import Refitting, Scan
from bench.documents import Seekers, ids_of
from bench.exact import Exact
from bench.match import updating
from bench.population import Population, make_population
from bench.queries import Query, make_queries
from bench.world import World
from tests.bench.conftest import SEEKERS


def test_ours_gives_the_exact_pairs_and_scores(
    population: Population, queries: list[Query]
) -> None:
    ours, exact = Ours(), Exact(population)
    ours.load(population)
    (way,) = ours.ways()
    for query in queries:
        rows, scores = exact.best(query, TOP)
        answer = way.ask(way.ready(query))
        right = list(zip(scores.tolist(), ids_of(population, rows), strict=True))
        assert answer.pairs() == right
        assert way.rows(answer) == rows.tolist()
    assert ours.held_bytes() > SEEKERS


def test_exhaustive_finds_the_exact_rows_in_order(
    population: Population, queries: list[Query]
) -> None:
    contender, exact = Exhaustive(), Exact(population)
    contender.load(population)
    (way,) = contender.ways()
    for query in queries:
        assert way.rows(way.ask(way.ready(query))) == exact.best(query, TOP)[0].tolist()


# One that reads texts alone knows nothing of the trades that a title speaks of.
@pytest.mark.parametrize(("make", "least"), [(Scan, 0.99), (Refitting, 0.7)])
def test_scans_find_it_as_far_as_floating_point_goes(
    population: Population, queries: list[Query], make: type[Contender], least: float
) -> None:
    contender, exact = make(), Exact(population)
    contender.load(population)
    (way,) = contender.ways()
    found = wanted = 0
    for query in queries:
        right = set(exact.best(query, TOP)[0].tolist())
        found += len(right.intersection(way.rows(way.ask(way.ready(query)))))
        wanted += len(right)
    assert found >= least * wanted > 0


def test_ours_stays_exact_while_seekers_come_change_and_go(world: World) -> None:
    everyone = make_population(7, world, 1_000, more=updating.A_QUERY * 31)
    ours = Ours()
    ours.load(everyone, 1_000)
    asked = make_queries(7, everyone, 30)
    updates = updating.measure(ours, everyone, asked, seed=7)
    assert (updates.checked.equal, updates.checked.queries) == (30, 30)
    assert updates.updates == updating.A_QUERY * 30


def test_an_engine_that_missed_the_updates_would_be_found_out(world: World) -> None:
    class Deaf(Ours):
        def apply(self, changes: object) -> None:
            """Hears nothing."""

    everyone = make_population(7, world, 1_000, more=updating.A_QUERY * 31)
    deaf = Deaf()
    deaf.load(everyone, 1_000)
    updates = updating.measure(deaf, everyone, make_queries(7, everyone, 30), seed=7)
    assert updates.checked.equal < updates.checked.queries


def test_texts_say_each_word_as_often_as_the_columns_do(population: Population) -> None:
    words = population.world.vocabulary.words
    for row, (text, said) in enumerate(zip(texts(population), said_words(population), strict=True)):
        assert text.split() == [words[word] for word in said]
        start, end = population.page.term_starts[row : row + 2]
        times = population.page.times[start:end].sum()
        titled = population.world.names.said(population.page.titles[row]).tolist()
        assert len(said) == times + len(titled)
        assert said[times:] == titled
        assert len(set(said[:times])) == end - start


def test_shown_skills_are_the_evidence_of_the_documents(population: Population) -> None:
    starts, shown = shown_skills(population)
    spellings = population.world.skills.spellings
    for row, document in enumerate(Seekers(population).documents(0, 300)):
        columns = [spellings[number] for number in shown[starts[row] : starts[row + 1]]]
        assert sorted(columns) == sorted(each.spelling for each in document.evidence)
    assert (np.diff(starts) > 0).all()


def test_making_hands_everything_on_and_counts_its_seconds() -> None:
    made = Making(iter(range(1_000)))
    assert list(made) == list(range(1_000))
    assert made.seconds > 0
