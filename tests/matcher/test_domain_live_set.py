"""The live set equals the brute force after any history, and tells exactly what changed."""

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import Posting, Seeker, SkillWanted
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    LiveMatch,
    MatchEngine,
    ModelMismatch,
    Pair,
    PutPosting,
    PutSeeker,
    Standing,
)
from services.matcher.domain.explain import explain
from services.matcher.domain.matchset import MatchSet
from services.matcher.domain.model import Model
from services.matcher.domain.oracle import live_set
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.scoring import score
from tests.matcher.documents import (
    COOK,
    HONGTA,
    WELDER,
    a_certificate,
    a_posting,
    a_seeker,
    any_folder,
    any_posting,
    any_seeker,
    certificates_held,
    posting_id,
    postings,
    seeker_id,
    seekers,
)

MODEL = base_model().limited(tau_ppm=150_000, k_s=1, k_p=2)


def put(posting: Posting, model: Model = MODEL) -> PutPosting:
    return PutPosting(prepare_posting(model, posting))


def join(seeker: Seeker, model: Model = MODEL) -> PutSeeker:
    return PutSeeker(prepare_seeker(model, seeker))


def told(live: dict[Pair, LiveMatch], engine: MatchEngine) -> dict[Pair, LiveMatch]:
    """What a listener knows after it heard the engine settle."""
    now = dict(live)
    for change in engine.settle():
        pair = (change.seeker_id, change.posting_id)
        if change.match is None:
            del now[pair]  # only what was told before is ever taken back
        else:
            now[pair] = change.match
    return now


def standings(live: dict[Pair, LiveMatch]) -> dict[Pair, Standing]:
    return {
        pair: Standing(match.score_ppm, match.for_seeker, match.for_posting)
        for pair, match in live.items()
    }


@st.composite
def markets(draw: st.DrawFn) -> list[PreparedPosting | PreparedSeeker]:
    """Up to five postings and five seekers, each id once."""
    jobs = [draw(postings(number)) for number in range(1, draw(st.integers(1, 6)))]
    people = [draw(seekers(number)) for number in range(1, draw(st.integers(1, 6)))]
    return [
        *(prepare_posting(MODEL, job) for job in jobs),
        *(prepare_seeker(MODEL, person, draw(certificates_held)) for person in people),
    ]


def brute_force(
    market: Iterable[PreparedPosting | PreparedSeeker], model: Model = MODEL
) -> dict[Pair, LiveMatch]:
    documents = list(market)
    return live_set(
        model.limits,
        [document for document in documents if isinstance(document, PreparedPosting)],
        [document for document in documents if isinstance(document, PreparedSeeker)],
    )


def changes(market: Iterable[PreparedPosting | PreparedSeeker]) -> list[Change]:
    return [
        PutPosting(document) if isinstance(document, PreparedPosting) else PutSeeker(document)
        for document in market
    ]


@settings(deadline=None)
@given(markets(), st.randoms(use_true_random=False))
def test_neither_order_nor_batches_matter(
    market: list[PreparedPosting | PreparedSeeker], draw: random.Random
) -> None:
    want = brute_force(market)

    at_once = MatchSet(MODEL)
    at_once.apply(changes(market))
    assert told({}, at_once) == want

    shuffled = draw.sample(market, len(market))
    one_by_one = MatchSet(MODEL)
    live: dict[Pair, LiveMatch] = {}
    for change in changes(shuffled):
        one_by_one.apply([change])
        if draw.random() < 0.5:
            live = told(live, one_by_one)
    assert told(live, one_by_one) == want
    assert one_by_one.live() == at_once.live() == standings(want)


@pytest.mark.parametrize("seed", range(4))
def test_both_sides_score_every_pair_as_the_definition_does(seed: int) -> None:
    draw, model = random.Random(seed), MODEL.limited(tau_ppm=0, k_s=1000, k_p=1000)
    jobs = [prepare_posting(model, any_posting(draw, number)) for number in range(60)]
    people = [prepare_seeker(model, any_seeker(draw, n), any_folder(draw)) for n in range(60)]
    postings_come, seekers_come = MatchSet(model), MatchSet(model)
    postings_come.apply([*changes(people), *changes(jobs)])
    seekers_come.apply([*changes(jobs), *changes(people)])
    want = standings(brute_force([*jobs, *people], model))
    assert postings_come.live() == want
    assert seekers_come.live() == want
    assert len(want) > 200


def test_a_spelling_learned_later_is_near_those_known_before() -> None:
    engine = MatchSet(MODEL)
    wanted, shown = a_posting(skills=(SkillWanted("钢结构读图"),)), a_seeker(skills=("钢结构识图",))
    engine.apply([join(a_seeker(2, skills=()))])
    engine.apply([put(wanted)])
    engine.apply([join(shown)])
    engine.apply([put(replace(wanted, version=2))])
    job, person = prepare_posting(MODEL, wanted), prepare_seeker(MODEL, shown)
    live = engine.live()[shown.seeker_id, wanted.posting_id]
    assert live.score_ppm == score(job, person).score_ppm
    assert score(job, person).skills[0].similarity_ppm == 800_000


@settings(max_examples=50, deadline=None)
@given(markets())
def test_the_same_again_changes_nothing(market: list[PreparedPosting | PreparedSeeker]) -> None:
    engine = MatchSet(MODEL)
    engine.apply(changes(market))
    engine.settle()
    engine.apply(changes(market))
    assert engine.settle() == []


@settings(max_examples=50, deadline=None)
@given(markets())
def test_what_comes_and_goes_between_two_settlings_is_not_told(
    market: list[PreparedPosting | PreparedSeeker],
) -> None:
    engine = MatchSet(MODEL)
    engine.apply(changes(market))
    engine.settle()
    engine.apply([put(a_posting(99)), join(a_seeker(99))])
    engine.apply([DropPosting(posting_id(99)), DropSeeker(seeker_id(99))])
    # A pair that was pushed aside and came back may be told again, as it was.
    assert told(brute_force(market), engine) == brute_force(market)


def test_of_one_document_the_last_in_a_batch_counts() -> None:
    engine, near, far = MatchSet(MODEL), a_posting(), a_posting(county=HONGTA)
    engine.apply([join(a_seeker()), put(far), put(near)])
    assert len(engine.live()) == 1
    engine.apply([put(near), put(far)])
    assert engine.live() == {}


def test_equal_scores_order_by_id() -> None:
    engine = MatchSet(MODEL)
    engine.apply([put(a_posting(number)) for number in (4, 2, 3, 1)])
    engine.apply([join(a_seeker(number)) for number in (5, 1, 4, 2, 3)])
    live = engine.live()
    assert {pair for pair, at in live.items() if at.for_seeker} == {
        (seeker_id(s), posting_id(1)) for s in (1, 2, 3, 4, 5)
    }
    assert {pair for pair, at in live.items() if at.for_posting} == {
        (seeker_id(s), posting_id(p)) for s in (1, 2) for p in (1, 2, 3, 4)
    }


def test_the_next_best_moves_up_when_one_leaves() -> None:
    engine = MatchSet(MODEL)
    engine.apply([join(a_seeker()), *(put(a_posting(number)) for number in (1, 2, 3))])
    engine.settle()
    engine.apply([DropPosting(posting_id(1))])
    told_now = {(now.posting_id, now.match and now.match.for_seeker) for now in engine.settle()}
    assert told_now == {(posting_id(1), None), (posting_id(2), True)}


def test_a_score_of_exactly_tau_is_live() -> None:
    job, person = a_posting(), a_seeker()
    tau = score(prepare_posting(MODEL, job), prepare_seeker(MODEL, person)).score_ppm
    for limit, live in ((tau, 1), (tau + 1, 0)):
        model = MODEL.limited(tau_ppm=limit)
        engine = MatchSet(model)
        engine.apply([put(job, model), join(person, model)])
        assert len(engine.live()) == live


def test_lists_of_no_length_are_empty() -> None:
    model = MODEL.limited(k_s=0, k_p=0)
    engine = MatchSet(model)
    engine.apply([put(a_posting(), model), join(a_seeker(), model)])
    assert engine.settle() == []
    assert engine.live() == {}


def test_a_certificate_counts_when_it_comes_and_not_when_it_lapsed() -> None:
    engine, seeker = MatchSet(MODEL), a_seeker()
    engine.apply([put(a_posting()), join(seeker)])
    before = told({}, engine)
    engine.apply([PutSeeker(prepare_seeker(MODEL, seeker, (a_certificate(),)))])
    ((_, proven),) = told(before, engine).items()
    assert proven.score_ppm > before[seeker.seeker_id, posting_id(1)].score_ppm
    engine.apply([join(seeker)])
    assert told({}, engine) == before


@pytest.mark.parametrize("limits", [{"k_s": 1, "k_p": 0}, {"k_s": 0, "k_p": 1}])
def test_new_words_for_the_same_score_are_told(limits: dict[str, int]) -> None:
    model = MODEL.limited(**limits)
    engine = MatchSet(model)
    engine.apply([put(a_posting(), model), join(a_seeker(), model)])
    first = told({}, engine)
    engine.apply([join(a_seeker(skills=("氩弧焊接",)), model)])
    second = told(first, engine)
    engine.apply(
        [put(a_posting(skills=(SkillWanted("TIG焊"), SkillWanted("看图", required=False))), model)]
    )
    third = told(second, engine)
    assert standings(first) == standings(second) == standings(third)
    assert len({repr(live) for live in (first, second, third)}) == 3


def test_any_pair_of_known_documents_can_be_explained() -> None:
    engine = MatchSet(MODEL)
    closed, cook = a_posting(open=False), a_seeker(titles=("厨师",), occupations=(COOK,))
    engine.apply([put(closed), join(cook)])
    job, person = prepare_posting(MODEL, closed), prepare_seeker(MODEL, cook)
    assert engine.explain(cook.seeker_id, closed.posting_id) == explain(job, person)
    assert engine.explain(seeker_id(2), closed.posting_id) is None


def test_documents_of_another_model_are_refused_whole() -> None:
    engine = MatchSet(MODEL)
    with pytest.raises(ModelMismatch, match=MODEL.version):
        engine.apply([put(a_posting()), join(a_seeker(), MODEL.limited(k_s=9))])
    assert engine.explain(seeker_id(1), posting_id(1)) is None
    engine.apply([join(a_seeker())])
    assert engine.live() == {}


def test_a_thousand_revisions_leave_no_trace() -> None:
    # More than enough dead rows to rebuild the columns of both sides, several times.
    engine, draw = MatchSet(MODEL), random.Random(7)
    market: dict[str, PreparedPosting | PreparedSeeker] = {}
    live: dict[Pair, LiveMatch] = {}
    for version in range(1000):
        number, skills = (
            draw.randint(1, 6),
            draw.sample(("氩弧焊", "读图", "探伤", f"s{version}"), 2),
        )
        if draw.random() < 0.5:
            job = a_posting(number, experience_years=draw.randint(0, 9), text=" ".join(skills))
            market[f"p{number}"] = prepare_posting(MODEL, job)
            engine.apply(changes([market[f"p{number}"]]))
        else:
            person = replace(a_seeker(number), skills=tuple(skills), occupations=(WELDER, COOK))
            market[f"s{number}"] = prepare_seeker(MODEL, person)
            engine.apply(changes([market[f"s{number}"]]))
        if version % 100 == 0:
            live = told(live, engine)
            assert live == brute_force(market.values())
    assert told(live, engine) == brute_force(market.values())
