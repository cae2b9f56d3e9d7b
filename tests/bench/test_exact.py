"""The exact answer that engines are held to is what the rules themselves say."""

import pytest

from bench.documents import Seekers
from bench.exact import Exact
from bench.kernels import NOT_ELIGIBLE
from bench.population import Population
from bench.queries import Query, with_unseen_skills
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.scoring import score


def test_every_row_scores_as_the_definition_scores_its_document(
    population: Population, queries: list[Query]
) -> None:
    exact = Exact(population)
    documents = list(Seekers(population).documents(0, 600))
    eligible = 0
    for query in [*queries, *with_unseen_skills(7, population, queries[:3])]:
        scores = exact.scores(query.posting).tolist()
        for document, found in zip(documents, scores, strict=False):
            if broken_rules(query.posting, document):
                assert found == NOT_ELIGIBLE
            else:
                eligible += 1
                assert found == score(query.posting, document).score_ppm
    assert eligible > len(documents)


@pytest.mark.parametrize("k", [1, 10, 5_000])
def test_the_best_are_in_order_of_score_then_id(
    population: Population, queries: list[Query], k: int
) -> None:
    exact = Exact(population)
    documents = Seekers(population)
    for query in queries:
        scores = exact.scores(query.posting)
        ranked = sorted(
            (-points, documents.document(row).doc.seeker_id, row)
            for row, points in enumerate(scores.tolist())
            if points != NOT_ELIGIBLE
        )
        rows, points = exact.best(query, k)
        assert rows.tolist() == [row for _, _, row in ranked[:k]]
        assert points.tolist() == [-points for points, _, _ in ranked[:k]]


def test_rows_that_are_gone_are_not_among_the_best(
    population: Population, queries: list[Query]
) -> None:
    exact = Exact(population)
    rows, points = exact.best(queries[0], 20)
    alive = exact.scores(queries[0].posting) == exact.scores(queries[0].posting)
    alive[rows[::2]] = False
    kept, kept_points = exact.best(queries[0], 10, alive)
    assert kept.tolist() == rows[1::2].tolist()
    assert kept_points.tolist() == points[1::2].tolist()
