"""What is told of a run: blocks, recall, misses and losses, as they were."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.contenders.contender import Way
from bench.match.required import MILLION, OURS, SCAN, TANTIVY, required
from bench.match.result import Exactness, Result, Row, Updates
from bench.match.running import Truth, recall_of
from bench.match.telling import told
from bench.match.timing import BLOCK, paired
from tests.dev.programs import rengang


def way(
    log: list[tuple[str, Any]],
    name: str,
    most: int = 1_000,
    rows: Callable[[Any], Sequence[int]] = lambda answer: [answer],
) -> Way:
    def ask(question: Any) -> Any:
        log.append((name, question))
        return question

    return Way(name, lambda query: query, ask, rows, fused=True, most=most)


def asked_of(log: Sequence[tuple[str, Any]], name: str) -> list[Any]:
    return [question for who, question in log if who == name]


def test_blocks_alternate_over_the_same_questions() -> None:
    log: list[tuple[str, Any]] = []
    questions: Any = list(range(2 * BLOCK))
    held = paired(way(log, "ours"), way(log, "other"), questions)
    warm, measured = log[: 2 * BLOCK], log[2 * BLOCK :]
    assert warm == [("other", at) for at in questions]
    names = [name for name, _ in measured]
    assert names == (["ours"] * BLOCK + ["other"] * BLOCK) * 2
    assert asked_of(measured, "ours") == asked_of(measured, "other") == questions
    assert held.asked == held.answers == tuple(questions)
    assert len(held.ratios) == 2


def test_a_slow_one_is_asked_few_and_ours_whole_blocks() -> None:
    log: list[tuple[str, Any]] = []
    questions: Any = list(range(5 * BLOCK))
    held = paired(way(log, "ours"), way(log, "slow", most=3), questions)
    assert asked_of(log, "slow") == [0, 0, BLOCK, 2 * BLOCK]
    assert held.asked == (0, BLOCK, 2 * BLOCK)
    assert len(held.ours_s) == 3 * BLOCK
    assert len(held.ratios) == 3


def test_recall_is_the_share_of_the_exact_rows_that_were_found() -> None:
    truth = Truth((frozenset({1, 2}), frozenset({3, 4}), frozenset()), ([], [], []))
    found = Way(
        "some", lambda query: query, lambda asked: asked, lambda answer: answer, fused=False
    )
    assert recall_of(found, [0, 1, 2], [[2, 9], [4, 3], [7]], truth) == 0.75
    assert recall_of(found, [1], [[]], truth) == 0.0
    assert recall_of(found, [2], [[]], truth) is None


def row(name: str, seekers: int, median_ms: float, ratio: float = 1.0) -> Row:
    return Row(
        name=name,
        seekers=seekers,
        median_ms=median_ms,
        p99_ms=2 * median_ms,
        queries=400,
        recall=1.0,
        fused=True,
        bytes_per_seeker=300.0 if name == OURS else 100.0,
        build_s=30.0,
        ratio_median=ratio,
        ratio_worst=ratio / 2,
    )


@pytest.fixture
def result() -> Result:
    """A run in which everything is as required."""
    return Result(
        settings={},
        machine={"CPU": "none"},
        rows=[
            row(OURS, 100_000, 0.4),
            row(TANTIVY, 100_000, 1.2, 3.1),
            row(OURS, MILLION, 1.0),
            row(TANTIVY, MILLION, 8.0, 8.1),
            row(SCAN, MILLION, 4_000.0, 4_000.0),
        ],
        exact=[Exactness(100_000, 100, 100), Exactness(MILLION, 400, 400)],
        updates=Updates(MILLION, 400, 8_000, 1.0, 2.9, 50.0, Exactness(MILLION, 40, 40)),
    )


def test_all_that_is_required_can_be_met(result: Result) -> None:
    assert [each.met for each in required(result)] == [True] * 8


def test_a_single_wrong_answer_is_a_miss_at_any_size(result: Result) -> None:
    result.exact[0] = Exactness(100_000, 100, 99)
    assert [each.what for each in required(result) if not each.met] == [
        "the exact top 100, pairs and scores"
    ]


@pytest.mark.parametrize(
    ("at", "worse"),
    [
        (1, {"ratio_median": 2.9}),
        (2, {"median_ms": 1.3}),
        (2, {"bytes_per_seeker": 401.0}),
        (2, {"build_s": 61.0}),
        (3, {"ratio_median": 7.9}),
        (4, {"ratio_median": 2_999.0}),
    ],
)
def test_each_miss_is_told(result: Result, at: int, worse: dict[str, float]) -> None:
    changes: dict[str, Any] = worse
    result.rows[at] = replace(result.rows[at], **changes)
    lines = required(result)
    assert [each.met for each in lines].count(False) == 1
    assert told(result, lines).count("NOT met") == 1


def test_what_a_run_cannot_say_is_not_called_met() -> None:
    nothing = Result(settings={}, machine={})
    assert not any(each.met for each in required(nothing))


def test_where_ours_loses_is_told(result: Result) -> None:
    result.rows.append(row("tiny", MILLION, 0.1, 0.25))
    said = told(result, required(result))
    assert "tiny (recall 1.000): 4.0 times as fast, 100 bytes a seeker for 300" in said


def test_a_quick_run_answers_in_json() -> None:
    done = rengang("bench", "match", "--quick", "--seekers", "1500", "--queries", "6", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {line["seekers"] for line in said["rows"]} == {1500}
    assert {OURS, SCAN} <= {line["name"] for line in said["rows"]}
    assert [(each["queries"], each["equal"]) for each in said["exact"]] == [(6, 6), (6, 6)]
    assert len(said["required"]) == 8


def test_measurements_are_listed_and_others_refused() -> None:
    assert "  match " in rengang("bench").stdout
    refused = rengang("bench", "fish")
    assert refused.returncode == 2
    assert "There is no measurement fish." in refused.stderr
