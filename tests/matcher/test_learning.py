"""Weights are learned from outcomes, kept near the old ones by little, and judged on others."""

import random
from dataclasses import asdict, astuple, replace
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from contracts.values import PPM, PostingId, SeekerId
from services.matcher.domain.base_model import base_model
from services.matcher.domain.model import Weights
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from services.matcher.learning import comparing
from services.matcher.learning.comparing import (
    LEAST_HELD_BACK,
    LEAST_TRAINED,
    ONE_IN,
    Comparison,
    Estimate,
    Measured,
    Ranking,
    Verdict,
    compare,
    held_back,
    judge,
    scores,
)
from services.matcher.learning.lesson import lesson
from services.matcher.learning.outcomes import (
    NAMES,
    OTHER_REASON,
    SAYS_NOTHING_OF_FIT,
    Example,
    Kind,
    Noted,
    Outcome,
    examples_of,
    parts_of,
    reason_code,
)
from services.matcher.learning.threshold import carried_over
from services.matcher.learning.weighing import PRIOR_EXAMPLES, learned, shares
from tests.matcher.documents import (
    any_folder,
    any_posting,
    any_seeker,
    draws,
    seeker_id,
)
from tests.matcher.outcomes import LOCAL, drawn_examples
from tests.support import NOW

OLD = Weights(
    text=500_000,
    skills=300_000,
    pay=40_000,
    place=40_000,
    experience=30_000,
    occupation=60_000,
    certificate=30_000,
)


def moved(before: Weights, after: Weights) -> int:
    """Millionths that changed hands."""
    old, new = astuple(before), astuple(after)
    return int(np.abs(np.subtract(old, new)).sum()) // 2


# The parts of a pair.


@given(draws, st.lists(st.integers(0, 1000), min_size=7, max_size=7).filter(any))
def test_a_score_is_the_weighted_mean_of_the_parts(draw: random.Random, found: list[int]) -> None:
    posting, seeker, held = any_posting(draw, 1), any_seeker(draw, 1), any_folder(draw)
    weights = shares(np.array(found, np.float64))
    model = replace(base_model(), weights=weights)
    parts = parts_of(base_model(), posting, seeker, held)
    scored = score(prepare_posting(model, posting), prepare_seeker(model, seeker, held))
    mean = sum(asdict(weights)[name] * part for name, part in parts.items()) / PPM
    # Each leaf is rounded down: seven of them, and one a skill.
    assert abs(scored.score_ppm - mean) <= len(NAMES) + len(posting.skills) + 1


@given(draws)
def test_parts_are_shares_of_one(draw: random.Random) -> None:
    parts = parts_of(base_model(), any_posting(draw, 1), any_seeker(draw, 1), any_folder(draw))
    assert tuple(parts) == NAMES
    assert all(0 <= part <= PPM for part in parts.values())


# Which outcomes teach what.


def noted(kind: Kind, reason: str | None = None, *, day: int = 0, pair: int = 1) -> Noted:
    outcome = Outcome(
        UUID(int=1000 * pair + day),
        SeekerId(UUID(int=pair)),
        PostingId(UUID(int=7)),
        kind,
        reason,
        NOW + timedelta(days=day),
    )
    return Noted(outcome, dict.fromkeys(NAMES, day), "model:rules")


@pytest.mark.parametrize(
    ("said", "grade", "day"),
    [
        ([noted(Kind.DECLINED)], 0, 0),
        ([noted(Kind.ACCEPTED)], 1, 0),
        ([noted(Kind.INVITED), noted(Kind.DECLINED, "too_far", day=1)], 0, 1),
        ([noted(Kind.DECLINED, day=1), noted(Kind.ACCEPTED, day=2)], 1, 2),
        ([noted(Kind.HIRED, day=1), noted(Kind.DECLINED, day=2)], 2, 1),
        ([noted(Kind.ACCEPTED), noted(Kind.DECLINED, "found_job", day=1)], 1, 0),
    ],
)
def test_a_pair_counts_once_by_its_hire_or_by_what_was_said_last(
    said: list[Noted], grade: int, day: int
) -> None:
    for order in (said, said[::-1]):
        (example,) = examples_of(order)
        assert (example.grade, example.parts) == (grade, (day,) * len(NAMES))


def test_what_says_nothing_of_the_fit_teaches_nothing() -> None:
    for reason in SAYS_NOTHING_OF_FIT:
        assert examples_of([noted(Kind.DECLINED, reason)]) == []
        assert reason_code(reason) == reason
    other_leaves = replace(noted(Kind.HIRED), parts={"text": 1})
    assert examples_of([other_leaves]) == []


@pytest.mark.parametrize(
    "told", ["太远了，我住在学校旁边", "Too far", "x" * 41, "", "a\nb", "13800138000"]
)
def test_no_text_of_anybody_is_kept_as_a_reason(told: str) -> None:
    assert reason_code(told) == OTHER_REASON
    assert (reason_code(None), reason_code("too_far")) == (None, "too_far")


def test_examples_come_in_one_order() -> None:
    said = [noted(Kind.ACCEPTED, pair=pair) for pair in range(1, 9)]
    shuffled = random.Random(1).sample(said, len(said))
    assert examples_of(said) == examples_of(shuffled)


# Learning.


def test_what_people_want_is_found() -> None:
    found = learned(drawn_examples(LOCAL, 6000), OLD)
    wanted = sorted(NAMES, key=lambda name: -asdict(LOCAL)[name])
    # The three that matter come in their order, and the whole is near.
    assert sorted(NAMES, key=lambda name: -asdict(found)[name])[:3] == wanted[:3]
    assert moved(found, LOCAL) < 50_000 < moved(OLD, LOCAL)


@pytest.mark.parametrize("seed", range(5))
def test_few_outcomes_leave_the_weights_nearly_as_they_are(seed: int) -> None:
    moves = [
        moved(OLD, learned(drawn_examples(LOCAL, n, seed=seed), OLD)) for n in (0, 10, 100, 1000)
    ]
    assert moves[0] == 0
    assert moves[1] < 150_000 < moves[2] < 450_000 < moves[3]


def test_ten_outcomes_by_chance_change_little() -> None:
    draw = random.Random(1)
    for seed in range(50):
        by_chance = [
            replace(each, grade=draw.choice((0, 1, 2)))
            for each in drawn_examples(OLD, 10, seed=seed)
        ]
        assert moved(OLD, learned(by_chance, OLD)) < 200_000


def test_what_never_varies_keeps_its_share() -> None:
    """Of parts that are the same in every pair nothing is learned, so they stay as they were."""
    same = ("experience", "certificate", "occupation")
    examples = [
        replace(
            each,
            parts=tuple(
                500_000 if name in same else part
                for name, part in zip(NAMES, each.parts, strict=True)
            ),
        )
        for each in drawn_examples(OLD, 3000)
    ]
    found = asdict(learned(examples, OLD))
    for name in same:
        assert found[name] == pytest.approx(asdict(OLD)[name], rel=0.1)


any_examples = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.tuples(*[st.integers(0, PPM)] * len(NAMES)),
        st.sampled_from((0, 1, 2)),
    ),
    max_size=60,
).map(lambda rows: [Example(seeker_id(who), parts, grade) for who, parts, grade in rows])
any_weights = (
    st.tuples(*[st.integers(0, 1000)] * len(NAMES))
    .filter(any)
    .map(lambda found: shares(np.array(found, np.float64)))
)


@given(any_examples, any_weights)
def test_no_outcome_whatever_makes_a_weight_negative(
    examples: list[Example], before: Weights
) -> None:
    # Weights themselves refuse what is negative or does not add up to one.
    assert learned(examples * 50, before) == learned(examples * 50, before)


@given(draws)
def test_under_learned_weights_a_skill_or_certificate_never_lowers_a_score(
    draw: random.Random,
) -> None:
    """Promise 8, for people who decline whoever has skills and certificates."""
    against = [
        replace(each, grade=2 if each.parts[NAMES.index("skills")] < PPM // 2 else 0)
        for each in drawn_examples(LOCAL, 1000)
    ]
    model = replace(base_model(), weights=learned(against, OLD))
    assert model.weights.skills == 0
    posting, seeker, held = any_posting(draw, 1), any_seeker(draw, 1), any_folder(draw)
    job = prepare_posting(model, posting)
    plain = score(job, prepare_seeker(model, replace(seeker, skills=seeker.skills[1:]), held[1:]))
    assert score(job, prepare_seeker(model, seeker, held)).score_ppm >= plain.score_ppm


@given(st.lists(st.floats(0, 1e6), min_size=7, max_size=7).filter(lambda found: sum(found) > 1e-6))
def test_shares_add_up_and_are_rounded_by_less_than_one(found: list[float]) -> None:
    exact = np.array(found) / sum(found) * PPM
    assert np.abs(np.array(astuple(shares(np.array(found)))) - exact).max() < 1.001


# Comparing.


def test_a_seeker_is_held_back_for_ever_or_never() -> None:
    held = [held_back(seeker_id(number)) for number in range(4000)]
    assert held == [held_back(seeker_id(number)) for number in range(4000)]
    assert 0.9 < ONE_IN * sum(held) / len(held) < 1.1


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=40
    )
)
def test_the_auc_is_scikit_learns(rows: list[tuple[bool, int, int]]) -> None:
    good = np.array([row[0] for row in rows])
    found = np.array([row[1] / 5 for row in rows])
    times = np.array([row[2] for row in rows], np.float64)
    auc = Ranking(good, found).auc(times)
    if {bool(each) for each in good[times > 0]} == {True, False}:
        assert auc == pytest.approx(roc_auc_score(good, found, sample_weight=times))
    else:
        assert np.isnan(auc)


def test_both_measures_are_of_what_was_held_back() -> None:
    examples = drawn_examples(LOCAL, 4000)
    trained, held = examples[:3000], examples[3000:]
    found = compare(trained, held, OLD, LOCAL)
    good = [each.grade > 0 for each in held]
    assert found.auc.before.value == pytest.approx(roc_auc_score(good, scores(held, OLD)))
    assert found.auc.after.value == pytest.approx(roc_auc_score(good, scores(held, LOCAL)))
    assert found.auc.gain.value == pytest.approx(found.auc.after.value - found.auc.before.value)
    assert found.log_loss.gain.value == pytest.approx(
        found.log_loss.before.value - found.log_loss.after.value
    )
    base_rate = log_loss(good, [np.mean(good)] * len(good))
    assert 0 < found.log_loss.after.value < found.log_loss.before.value < base_rate
    for measured in (found.auc, found.log_loss):
        for each in (measured.before, measured.after, measured.gain):
            assert each.low < each.value < each.high
    assert compare(trained, held, OLD, LOCAL) == found


def test_an_interval_is_wider_where_fewer_seekers_said_it_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparing, "DRAWS", 200)
    widths = []
    for pairs_of_one in (1, 50):
        examples = drawn_examples(LOCAL, 2000, pairs_of_one=1)
        owned = [
            replace(each, seeker_id=seeker_id(at // pairs_of_one))
            for at, each in enumerate(sorted(examples, key=lambda each: each.grade))
        ]
        auc = compare(owned, owned, OLD, LOCAL).auc.before
        widths.append(auc.high - auc.low)
    assert widths[1] > 1.5 * widths[0]


def a_comparison(gain: float, low: float, loss_gain: float) -> Comparison:
    some = Estimate(0.5, 0.4, 0.6)
    return Comparison(
        auc=Measured(some, some, Estimate(gain, low, gain + 0.01)),
        log_loss=Measured(some, some, Estimate(loss_gain, -1, 1)),
    )


@pytest.mark.parametrize(
    ("gain", "low", "loss_gain", "verdict", "why"),
    [
        (0.02, 0.001, 0.0, Verdict.BETTER, "gains +0.0200"),
        (0.005, 0.001, 0.1, Verdict.BETTER, "gains +0.0050"),
        (0.0049, 0.001, 0.1, Verdict.NOT_BETTER, "where +0.005 is the least"),
        (-0.1, -0.2, 0.1, Verdict.NOT_BETTER, "changes by -0.1000"),
        (0.02, 0.0, 0.1, Verdict.NOT_BETTER, "may be chance"),
        (0.02, 0.001, -0.01, Verdict.NOT_BETTER, "log loss would be 0.0100 higher"),
    ],
)
def test_a_model_must_be_better_by_a_margin_and_not_by_chance(
    gain: float, low: float, loss_gain: float, verdict: Verdict, why: str
) -> None:
    judged, told = judge(a_comparison(gain, low, loss_gain))
    assert judged is verdict
    assert why in told


# A lesson.


def test_a_lesson_finds_what_people_want_and_proves_it() -> None:
    examples = drawn_examples(LOCAL, 3000)
    found = lesson(examples, OLD)
    assert found.verdict is Verdict.BETTER
    assert found.comparison is not None
    assert found.comparison.auc.gain.low > 0.05
    assert found.trained.seekers + found.held_back.seekers == 3000 // 4
    assert found == lesson(examples, OLD)


def test_nothing_is_learned_from_who_is_held_back() -> None:
    examples = drawn_examples(LOCAL, 3000)
    turned = [
        replace(each, grade=2 - each.grade) if held_back(each.seeker_id) else each
        for each in examples
    ]
    found, against = lesson(examples, OLD), lesson(turned, OLD)
    assert found.weights == against.weights
    assert against.verdict is Verdict.NOT_BETTER


def test_where_people_want_what_the_weights_say_they_stay() -> None:
    found = lesson(drawn_examples(OLD, 3000), OLD)
    assert found.verdict is Verdict.NOT_BETTER
    assert moved(found.weights, OLD) < 60_000


def test_outcomes_by_chance_put_nothing_in_force() -> None:
    """Twenty markets in which nobody looks at anything: at most one may seem better."""
    draw = random.Random(3)
    verdicts = []
    for seed in range(20):
        by_chance = [
            replace(each, grade=draw.choice((0, 1))) for each in drawn_examples(OLD, 900, seed=seed)
        ]
        verdicts.append(lesson(by_chance, OLD).verdict)
    assert verdicts.count(Verdict.BETTER) <= 1


def test_too_few_outcomes_are_not_judged() -> None:
    found = lesson(drawn_examples(LOCAL, 300), OLD)
    assert (found.verdict, found.comparison) == (Verdict.TOO_FEW, None)
    assert f"it takes {LEAST_TRAINED} and {LEAST_HELD_BACK}" in found.why
    assert lesson([], OLD).weights == OLD
    assert PRIOR_EXAMPLES >= LEAST_TRAINED


# The threshold.


def test_tau_goes_where_as_many_are_live() -> None:
    before = [at * 1000 for at in range(1000)]
    after = [score // 2 + 300_000 for score in before]
    found = carried_over(800_000, before, after)
    assert (found.pairs, found.live, found.live_unmoved) == (1000, 200, 0)
    assert (found.before_ppm, found.after_ppm) == (800_000, 700_000)
    assert sum(score >= found.after_ppm for score in after) == 200


@pytest.mark.parametrize(
    ("before", "after", "tau"),
    [
        ([], [], 200_000),  # nothing to go by
        ([100_000, 90_000], [500_000, 600_000], 600_001),  # none was live, none is
        ([100_000], [PPM], PPM),
        ([300_000, 90_000], [500_000, 500_000], 500_000),  # alike: both or none
    ],
)
def test_tau_in_small_markets(before: list[int], after: list[int], tau: int) -> None:
    assert carried_over(200_000, before, after).after_ppm == tau
