"""The live set equals the brute force whatever comes, and what is told leads to it."""

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
    ListsShort,
    LiveMatch,
    ModelMismatch,
    Pair,
    PutPosting,
    PutSeeker,
)
from services.matcher.domain.fast.engine import FastEngine
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
from tests.matcher.engines import Kept, a_small_engine, plain

MODEL = base_model().limited(tau_ppm=150_000, k_s=1, k_p=2)


def an_engine(model: Model = MODEL) -> Kept:
    return Kept(a_small_engine(model))


def put(posting: Posting, model: Model = MODEL) -> PutPosting:
    return PutPosting(prepare_posting(model, posting))


def join(seeker: Seeker, model: Model = MODEL) -> PutSeeker:
    return PutSeeker(prepare_seeker(model, seeker))


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


@given(markets(), st.randoms(use_true_random=False))
def test_neither_order_nor_batches_matter(
    market: list[PreparedPosting | PreparedSeeker], draw: random.Random
) -> None:
    want = brute_force(market)

    at_once = an_engine()
    at_once.take(*changes(market))
    assert at_once.heard() == want

    one_by_one = an_engine()
    for change in changes(draw.sample(market, len(market))):
        one_by_one.take(change)
        if draw.random() < 0.5:
            one_by_one.settle()
    assert one_by_one.heard() == want
    assert one_by_one.stands() == at_once.stands() == plain(want)


@pytest.mark.parametrize("seed", range(4))
def test_both_sides_score_every_pair_as_the_definition_does(seed: int) -> None:
    draw, model = random.Random(seed), MODEL.limited(tau_ppm=0, k_s=1000, k_p=1000)
    jobs = [prepare_posting(model, any_posting(draw, number)) for number in range(60)]
    people = [prepare_seeker(model, any_seeker(draw, n), any_folder(draw)) for n in range(60)]
    postings_come, seekers_come = an_engine(model), an_engine(model)
    for first, then, comes in ((people, jobs, postings_come), (jobs, people, seekers_come)):
        comes.take(*changes(first))
        comes.take(*changes(then))
    want = brute_force([*jobs, *people], model)
    assert postings_come.heard() == want
    assert seekers_come.heard() == want
    assert len(want) > 200


def test_a_spelling_learned_later_is_near_those_known_before() -> None:
    kept = an_engine()
    wanted, shown = a_posting(skills=(SkillWanted("钢结构读图"),)), a_seeker(skills=("钢结构识图",))
    kept.take(join(a_seeker(2, skills=())))
    kept.take(put(wanted))
    kept.take(join(shown))
    kept.take(put(replace(wanted, version=2)))
    job, person = prepare_posting(MODEL, wanted), prepare_seeker(MODEL, shown)
    live = kept.heard()[shown.seeker_id, wanted.posting_id]
    assert live.score_ppm == score(job, person).score_ppm
    assert score(job, person).skills[0].similarity_ppm == 800_000


@settings(max_examples=50)
@given(markets())
def test_the_same_again_changes_nothing(market: list[PreparedPosting | PreparedSeeker]) -> None:
    kept = an_engine()
    kept.take(*changes(market))
    before = kept.heard()
    kept.take(*changes(market))
    # A document that is put again may be told of again, as it was.
    assert {(at.seeker_id, at.posting_id) for at in kept.settle()} <= before.keys()
    assert kept.live == before


@settings(max_examples=50)
@given(markets())
def test_what_comes_and_goes_between_two_settlings_is_not_told(
    market: list[PreparedPosting | PreparedSeeker],
) -> None:
    kept = an_engine()
    kept.take(*changes(market))
    before = kept.heard()
    kept.take(put(a_posting(99)), join(a_seeker(99)))
    kept.take(DropPosting(posting_id(99)), DropSeeker(seeker_id(99)))
    # A pair that was pushed aside and came back may be told again, as it was.
    assert {(at.seeker_id, at.posting_id) for at in kept.settle()} <= before.keys()
    assert kept.live == before == brute_force(market)


def test_of_one_document_the_last_in_a_batch_counts() -> None:
    kept, near, far = an_engine(), a_posting(), a_posting(county=HONGTA)
    kept.take(join(a_seeker()), put(far), put(near))
    assert len(kept.heard()) == 1
    kept.take(put(near), put(far))
    assert kept.heard() == {}


def test_equal_scores_order_by_id() -> None:
    kept = an_engine()
    kept.take(*(put(a_posting(number)) for number in (4, 2, 3, 1)))
    kept.take(*(join(a_seeker(number)) for number in (5, 1, 4, 2, 3)))
    live = kept.heard()
    assert {pair for pair, at in live.items() if at.for_seeker} == {
        (seeker_id(s), posting_id(1)) for s in (1, 2, 3, 4, 5)
    }
    assert {pair for pair, at in live.items() if at.for_posting} == {
        (seeker_id(s), posting_id(p)) for s in (1, 2) for p in (1, 2, 3, 4)
    }


def test_the_next_best_moves_up_when_one_leaves() -> None:
    kept = an_engine()
    kept.take(join(a_seeker()), *(put(a_posting(number)) for number in (1, 2, 3)))
    kept.settle()
    kept.take(DropPosting(posting_id(1)))
    told_now = {(at.posting_id, at.standing and at.standing.for_seeker) for at in kept.settle()}
    assert told_now == {(posting_id(1), None), (posting_id(2), True)}


def test_who_has_used_up_the_slack_is_wanted_until_searched_for_again() -> None:
    kept = Kept(FastEngine(MODEL, slack=1))
    kept.take(join(a_seeker()), *(put(a_posting(number)) for number in range(1, 6)))
    kept.settle()
    kept.take(DropPosting(posting_id(1)))
    assert kept.engine.wanted() == []
    kept.take(DropPosting(posting_id(2)))
    assert kept.engine.wanted() == [seeker_id(1)]
    with pytest.raises(ListsShort):
        kept.engine.settle()
    kept.assert_exact()


def test_a_score_of_exactly_tau_is_live() -> None:
    job, person = a_posting(), a_seeker()
    tau = score(prepare_posting(MODEL, job), prepare_seeker(MODEL, person)).score_ppm
    for limit, live in ((tau, 1), (tau + 1, 0)):
        model = MODEL.limited(tau_ppm=limit)
        kept = an_engine(model)
        kept.take(put(job, model), join(person, model))
        assert len(kept.heard()) == live


def test_lists_of_no_length_are_empty() -> None:
    model = MODEL.limited(k_s=0, k_p=0)
    kept = an_engine(model)
    kept.take(put(a_posting(), model), join(a_seeker(), model))
    assert kept.settle() == []
    assert kept.stands() == {}


def test_a_certificate_counts_when_it_comes_and_not_when_it_lapsed() -> None:
    kept, seeker = an_engine(), a_seeker()
    kept.take(put(a_posting()), join(seeker))
    before = kept.heard()
    kept.take(PutSeeker(prepare_seeker(MODEL, seeker, (a_certificate(),))))
    ((_, proven),) = kept.heard().items()
    assert proven.score_ppm > before[seeker.seeker_id, posting_id(1)].score_ppm
    kept.take(join(seeker))
    assert kept.heard() == before


@pytest.mark.parametrize("limits", [{"k_s": 1, "k_p": 0}, {"k_s": 0, "k_p": 1}])
def test_new_words_for_the_same_score_are_told(limits: dict[str, int]) -> None:
    model = MODEL.limited(**limits)
    kept = an_engine(model)
    kept.take(put(a_posting(), model), join(a_seeker(), model))
    first = kept.heard()
    kept.take(join(a_seeker(skills=("氩弧焊接",)), model))
    second = kept.heard()
    kept.take(
        put(a_posting(skills=(SkillWanted("TIG焊"), SkillWanted("看图", required=False))), model)
    )
    third = kept.heard()
    assert plain(first) == plain(second) == plain(third)
    assert len({repr(live) for live in (first, second, third)}) == 3


def test_documents_of_another_model_are_refused_whole() -> None:
    kept, other = an_engine(), MODEL.limited(k_s=9)
    with pytest.raises(ModelMismatch, match=MODEL.version):
        kept.take(put(a_posting()), join(a_seeker(), other))
    with pytest.raises(ModelMismatch, match=MODEL.version):
        kept.engine.refill([prepare_seeker(other, a_seeker())])
    assert kept.engine.posting_ids() == []
    kept.take(join(a_seeker()))
    assert kept.heard() == {}


def test_a_thousand_revisions_leave_no_trace() -> None:
    # More than enough dead documents to lay out both sides anew, many times.
    kept, draw = an_engine(), random.Random(7)
    for version in range(1000):
        number, skills = (
            draw.randint(1, 6),
            draw.sample(("氩弧焊", "读图", "探伤", f"s{version}"), 2),
        )
        if draw.random() < 0.5:
            job = a_posting(number, experience_years=draw.randint(0, 9), text=" ".join(skills))
            kept.take(put(job))
        else:
            person = replace(a_seeker(number), skills=tuple(skills), occupations=(WELDER, COOK))
            kept.take(join(person))
        if version % 100 == 0:
            kept.assert_exact()
    kept.assert_exact()
