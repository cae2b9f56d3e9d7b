"""The population is the same for a seed, has the statistics it is to have, and is made rightly."""

import dataclasses

import numpy as np

from bench.documents import Seekers
from bench.drawing import NONE, Page
from bench.population import Population, make_population
from bench.queries import Query, make_queries, with_unseen_skills
from bench.wording import Vectors
from bench.world import World
from services.matcher.domain.eligibility import Rule, broken_rules
from services.matcher.domain.facts import SeekerFacts
from services.matcher.domain.fast.known import KnownSeeker, KnownSeekers
from services.matcher.domain.prepare import PreparedSeeker, prepare_seeker


def columns(page: Page) -> list[bytes]:
    return [getattr(page, each.name).tobytes() for each in dataclasses.fields(page)]


def vectors(terms: Vectors) -> list[bytes]:
    return [column.tobytes() for column in terms]


def test_a_smaller_population_is_the_beginning_of_a_larger_one(
    world: World, population: Population
) -> None:
    small = make_population(7, world, 400)
    cut = population.first(400)
    assert columns(small.page) == columns(cut.page)
    assert vectors(small.terms) == vectors(cut.terms)
    assert small.model.version == cut.model.version != population.model.version


def test_those_to_come_are_weighed_by_the_model_of_those_who_are_there(
    world: World, population: Population
) -> None:
    more = make_population(7, world, len(population), more=300)
    assert len(more) == len(population) + 300
    assert more.model.version == population.model.version
    assert vectors(more.terms.first(len(population))) == vectors(population.terms)


def test_documents_are_as_the_matcher_prepares_them(population: Population) -> None:
    for made in Seekers(population).documents(0, 300):
        prepared = prepare_seeker(population.model, made.doc, made.certificates, made.terms)
        assert_same(made, prepared)


def assert_same(made: PreparedSeeker, prepared: PreparedSeeker) -> None:
    for each in dataclasses.fields(PreparedSeeker):
        if each.name not in ("terms", "shown"):
            assert getattr(made, each.name) == getattr(prepared, each.name), each.name
    assert made.said.to_bytes() == prepared.said.to_bytes()


def test_an_engine_is_loaded_with_what_it_keeps_of_the_documents(population: Population) -> None:
    documents = Seekers(population)
    (loaded,) = documents.known(95, 400)
    kept = KnownSeekers.of(
        [
            KnownSeeker(each.doc.seeker_id, SeekerFacts.of(each), each.terms)
            for each in documents.documents(95, 400)
        ]
    )
    for each in dataclasses.fields(KnownSeekers):
        ours, wanted = getattr(loaded, each.name), getattr(kept, each.name)
        assert list(ours) == list(wanted), each.name


def test_a_row_alone_is_the_row_among_others(population: Population) -> None:
    among = list(Seekers(population).documents(95, 105))
    for row, document in enumerate(among, 95):
        alone = Seekers(population).document(row)
        assert alone.terms.to_bytes() == document.terms.to_bytes()
        assert_same(alone, document)


def test_the_statistics_are_those_of_the_market(
    population: Population, queries: list[Query]
) -> None:
    page, n = population.page, len(population)
    many = make_queries(7, population, 200)
    assert 55 < page.times.sum() / n < 65
    assert 6.5 < len(page.skills) / n < 7.5
    assert 105 < np.mean([len(query.words) for query in many]) < 120
    assert 5.5 < np.mean([len(query.posting.skills) for query in many]) < 6.5
    documents = list(Seekers(population).documents(0, 300))
    by_place = [
        Rule.PLACE not in broken_rules(query.posting, document)
        for query in many
        for document in documents
    ]
    assert 0.22 < np.mean(by_place) < 0.38
    assert 0.2 < np.mean(page.certified[:, 0] != NONE) < 0.4
    assert many[0].posting.doc == queries[0].posting.doc


def test_unseen_skills_are_in_no_profile(population: Population, queries: list[Query]) -> None:
    known = set(population.world.skills.spellings)
    for before, after in zip(queries, with_unseen_skills(7, population, queries), strict=True):
        unseen = [skill for skill in after.posting.skills if skill.spelling not in known]
        assert len(unseen) == 1
        assert after.words == before.words
