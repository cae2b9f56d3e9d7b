"""The engine at large: loaded, restored, in threads, replayed; and how little it looks at."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from contracts.values import SeekerId
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import CertificateWanted
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    PairChange,
    PutPosting,
    PutSeeker,
)
from services.matcher.domain.facts import SeekerFacts
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.engine import FastEngine, Work
from services.matcher.domain.fast.known import KnownSeeker
from services.matcher.domain.fast.side import Sizes
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.scoring import score
from services.matcher.domain.vector import ONE
from tests.matcher.documents import (
    COOK,
    FITTER,
    HONGTA,
    PANLONG,
    WUHUA,
    a_certificate,
    a_posting,
    a_seeker,
    any_posting,
    any_seeker,
    seeker_id,
)
from tests.matcher.engines import SMALL, Kept, Walk, a_small_engine, in_threads, plain

MODEL = base_model().limited(tau_ppm=100_000, k_s=3, k_p=4)
SIZES = [SMALL, Sizes(16, 64, loud_from=2000), Sizes(), replace(SMALL, loud_from=ONE)]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("restored", [False, True], ids=["filled", "restored"])
def test_what_is_loaded_stands_as_if_it_had_come_one_by_one(sizes: Sizes, restored: bool) -> None:
    """And goes on so: whatever comes next is told as it is told by the engine of before."""
    walk = Walk(11, MODEL, 40, 180)
    first = Kept(FastEngine(MODEL, sizes=SMALL, slack=1))
    for change in walk.everyone():
        first.take(change)
    first.assert_exact()
    loaded = first.anew(FastEngine(MODEL, sizes=sizes, slack=2), restored=restored)
    assert loaded.stands() == first.stands()
    assert loaded.settle() == []
    for _ in range(60):
        batch = walk.batch()
        first.take(*batch)
        loaded.take(*batch)
        assert loaded.heard() == first.heard()
    loaded.assert_exact()


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_searches_at_once_find_what_they_find_in_turn(
    sizes: Sizes, pool: ThreadPoolExecutor
) -> None:
    at_once = after_a_walk(12, FastEngine(MODEL, sizes=sizes, run_all=in_threads(pool)))
    in_turn = after_a_walk(12, FastEngine(MODEL, sizes=sizes))
    assert at_once.told == in_turn.told
    assert at_once.kept.live == in_turn.kept.live
    assert at_once.best() == in_turn.best()


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_same_history_again_is_told_and_worked_out_the_same(sizes: Sizes) -> None:
    first, again = (after_a_walk(13, FastEngine(MODEL, sizes=sizes)) for _ in range(2))
    assert again.told == first.told
    assert again.best() == first.best()
    assert again.kept.engine.work == first.kept.engine.work


def test_how_it_is_laid_out_changes_nothing_that_is_heard() -> None:
    first, *others = (
        after_a_walk(14, FastEngine(MODEL, sizes=sizes, slack=slack))
        for sizes, slack in zip(SIZES, (0, 1, 8, 0), strict=True)
    )
    for other in others:
        assert other.kept.live == first.kept.live
        assert other.best() == first.best()


@dataclass(frozen=True)
class Walked:
    """What an engine was given and told, from nothing on."""

    kept: Kept
    told: list[PairChange]

    def best(self) -> list[list[tuple[int, Any]]]:
        """For every document, open or not, the best of the other side."""
        engine = self.kept.engine
        return [
            *(engine.best_seekers(posting, 7).pairs() for posting in self.kept.postings.values()),
            *(engine.best_postings(seeker, 7).pairs() for seeker in self.kept.seekers.values()),
        ]


def after_a_walk(seed: int, engine: FastEngine) -> Walked:
    kept, walk = Kept(engine), Walk(seed, engine.model, 30, 60)
    kept.take(*walk.everyone())
    told = kept.settle()
    for _ in range(60):
        kept.take(*walk.batch(most=20))
        told += kept.settle()
    kept.assert_exact()
    assert len(told) > 300
    return Walked(kept, told)


def test_the_best_of_a_document_are_the_definition_s_best() -> None:
    """Also of one that is not known, and for any number."""
    model = MODEL.limited(tau_ppm=0, k_s=1000, k_p=1000)
    walk, kept = Walk(15, model, 40, 90, shapes=40), Kept(a_small_engine(model))
    kept.take(*walk.everyone())
    want = kept.by_definition()
    for k in (1, 3, 1000):
        for posting in kept.postings.values():
            ranked = sorted(
                (-at.score_ppm, seeker)
                for (seeker, asked), at in want.items()
                if asked == posting.doc.posting_id
            )
            if posting.doc.open:
                assert kept.engine.best_seekers(posting, k).pairs() == best_of(ranked, k)
        for person in kept.seekers.values():
            ranked_postings = sorted(
                (-at.score_ppm, posting)
                for (asked, posting), at in want.items()
                if asked == person.doc.seeker_id
            )
            if person.doc.looking:
                assert kept.engine.best_postings(person, k).pairs() == best_of(ranked_postings, k)
    stranger = next(each for each in kept.postings.values() if each.doc.open)
    expected = kept.engine.best_seekers(stranger, 9).pairs()
    kept.take(DropPosting(stranger.doc.posting_id))
    assert kept.engine.best_seekers(stranger, 9).pairs() == expected


@pytest.mark.parametrize("loud_from", [None, 1000])
def test_the_best_of_many_are_found_in_whatever_order_they_are_looked_for(
    loud_from: int | None,
) -> None:
    """Of several segments, each of several regions: some are enough for a start, others to end."""
    model, draw = MODEL.limited(tau_ppm=0, k_s=0, k_p=0), Random(16)
    jobs = [prepare_posting(model, any_posting(draw, number)) for number in range(900)]
    people = [prepare_seeker(model, any_seeker(draw, number)) for number in range(1700)]
    engine = FastEngine(model, sizes=Sizes(100, 800, loud_from=loud_from))
    engine.apply([*map(PutPosting, jobs), *map(PutSeeker, people)])
    for job in [each for each in jobs if each.doc.open][:10]:
        points = {who.doc.seeker_id: points_of(job, who) for who in people}
        ranked = sorted((-reached, key) for key, reached in points.items() if reached is not None)
        assert len(ranked) > 100
        for k in (1, 20, 400):
            assert engine.best_seekers(job, k).pairs() == best_of(ranked, k)
    for person in [each for each in people if each.doc.looking][:10]:
        offered = {job.doc.posting_id: points_of(job, person) for job in jobs}
        of_jobs = sorted((-reached, key) for key, reached in offered.items() if reached is not None)
        assert len(of_jobs) > 20
        for k in (1, 20, 400):
            assert engine.best_postings(person, k).pairs() == best_of(of_jobs, k)


@pytest.mark.parametrize("kept", [0, 1, 70, 1000])
def test_names_beyond_those_kept_with_the_documents_are_read_for_all(
    monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """A segment of more names than their rows have room for: the others count as loud."""
    monkeypatch.setattr(lay, "MOST_SHOWN", kept)
    model, draw = MODEL.limited(tau_ppm=0, k_s=0, k_p=0), Random(kept)
    people = [
        prepare_seeker(
            model,
            replace(
                any_seeker(draw, number), skills=(f"焊接 {number}", f"钳工 {number % 90}", "电焊")
            ),
        )
        for number in range(500)
    ]
    engine = FastEngine(model, sizes=Sizes(50, 200, loud_from=ONE))
    engine.apply(list(map(PutSeeker, people)))
    found = 0
    for number in range(30):
        job = prepare_posting(
            model, replace(any_posting(draw, number), open=True, title="钳工", text="焊接 12")
        )
        points = {who.doc.seeker_id: points_of(job, who) for who in people}
        ranked = sorted((-reached, key) for key, reached in points.items() if reached is not None)
        assert engine.best_seekers(job, 20).pairs() == best_of(ranked, 20)
        found += len(ranked)
    assert found > 500


def test_the_few_best_are_found_among_many_who_would_do() -> None:
    """Some who know nothing of it, the few best, and so many who would do that they are enough to
    begin with: regions are told apart by the best of their own."""
    kinds = {
        600: a_seeker(titles=(), text="炒菜", skills=(), occupations=(COOK,)),
        30: a_seeker(),
        34_000: a_seeker(skills=(), occupations=(FITTER,)),
    }
    job, engine = prepare_posting(MODEL, a_posting()), FastEngine(MODEL)
    known: list[KnownSeeker] = []
    points: dict[SeekerId, int] = {}
    for count, kind in kinds.items():
        person = prepare_seeker(MODEL, kind)
        facts, reached = SeekerFacts.of(person), points_of(job, person)
        assert reached is not None
        for _ in range(count):
            known.append(KnownSeeker(seeker_id(len(known)), facts, person.terms))
            points[known[-1].seeker_id] = reached
    engine.load([], known)
    ranked = sorted((-reached, seeker) for seeker, reached in points.items())
    assert ranked[29][0] < ranked[30][0] < ranked[-1][0]
    for k in (20, 40, 600):
        assert engine.best_seekers(job, k).pairs() == best_of(ranked, k)


def points_of(job: PreparedPosting, person: PreparedSeeker) -> int | None:
    """The score by definition, of a pair that may be."""
    return None if broken_rules(job, person) else score(job, person).score_ppm


@pytest.mark.parametrize("seed", range(2))
def test_more_codes_than_a_mask_has_bits_are_told_apart(seed: int) -> None:
    """Of places and of occupations; certificates too are asked for by occupation."""
    draw, model = Random(seed), MODEL.limited(tau_ppm=0, k_s=5, k_p=5)
    places = [f"53{number:04d}" for number in range(100, 350)]
    occupations = [f"{1 + n % 6}-{n % 9:02d}-{n % 7:02d}-{n % 5:02d}" for n in range(300)]
    jobs = [
        replace(
            any_posting(draw, number),
            county=draw.choice(places),
            occupation=draw.choice(occupations),
            certificates=(CertificateWanted(draw.choice(occupations), 1, draw.random() < 0.3),),
        )
        for number in range(120)
    ]
    wanted = [(job.county, job.occupation, job.certificates[0].occupation) for job in jobs]
    people = []
    for number in range(200):
        near, trade, paper = draw.choice(wanted)
        person = replace(
            any_seeker(draw, number),
            counties=tuple(draw.sample([near, *draw.sample(places, 3)], 3)),
            occupations=(str(trade), draw.choice(occupations)),
        )
        people.append(prepare_seeker(model, person, (a_certificate(occupation=paper, level=3),)))
    kept = Kept(FastEngine(model, sizes=Sizes(16, 4096)))
    for each in people:
        kept.take(PutSeeker(each))
    kept.take(*(PutPosting(prepare_posting(model, job)) for job in jobs))
    kept.assert_exact()
    assert len(kept.live) > 100
    loaded = kept.anew(FastEngine(model), restored=False)
    assert loaded.stands() == plain(kept.live)


def best_of(ranked: list[tuple[int, Any]], k: int) -> list[tuple[int, Any]]:
    return [(-score, other) for score, other in ranked[:k]]


# What is looked at: counted, so that no clock of a busy machine has a say.


def a_town(model: Model, here: int, elsewhere: int) -> Kept:
    """Welders who look for work in 五华, and many in 红塔, laid out as they are at a start."""
    people = [
        prepare_seeker(model, a_seeker(number, counties=(WUHUA if number < here else HONGTA,)))
        for number in range(here + elsewhere)
    ]
    kept = Kept(FastEngine(model))
    kept.seekers.update({person.doc.seeker_id: person for person in people})
    return kept.anew(FastEngine(model), restored=False)


def work_of(kept: Kept, *changes: Change) -> Work:
    """What the engine does for these."""
    before = replace(kept.engine.work)
    kept.take(*changes)
    kept.settle()
    after = kept.engine.work
    return Work(*(getattr(after, each) - getattr(before, each) for each in Work.__slots__))


def test_a_posting_does_not_look_at_those_who_live_elsewhere() -> None:
    here, elsewhere = 40, 2000
    kept = a_town(MODEL, here, elsewhere)
    work = work_of(kept, PutPosting(prepare_posting(MODEL, a_posting())))
    # Those of one town lie together: two full blocks of 16, and one shared with the neighbours.
    assert work.searches == 1
    assert 0 < work.blocks <= here // lay.BLOCK + 1
    assert work.scored == here <= work.documents <= work.blocks * lay.BLOCK
    anywhere = work_of(kept, PutPosting(prepare_posting(MODEL, a_posting(2, county=PANLONG))))
    assert (anywhere.blocks, anywhere.documents) == (0, 0)
    assert {seeker for seeker, _ in kept.live} == {seeker_id(number) for number in range(here)}
    assert plain(kept.live) == plain(kept.by_definition())


def test_a_posting_worse_than_all_that_are_listed_looks_at_nobody() -> None:
    kept = a_town(MODEL.limited(k_s=2, k_p=0), 2000, 0)
    model = kept.engine.model
    good = [PutPosting(prepare_posting(model, a_posting(number))) for number in range(12)]
    first = work_of(kept, *good)
    assert first.scored >= 2000, "as long as lists are not full, everyone is looked at"
    poor = {"title": "厨师", "text": "炒菜", "occupation": COOK, "skills": ()}
    work = work_of(kept, PutPosting(prepare_posting(model, a_posting(98, **poor))))
    assert work.scored == 0, "each seeker's own threshold says so"
    work = work_of(kept, PutPosting(prepare_posting(model, a_posting(99, **poor))))
    assert work.blocks == 0, "and then each block's"
    assert plain(kept.live) == plain(kept.by_definition())


def test_a_seeker_who_goes_has_no_other_seeker_searched_for() -> None:
    kept = a_town(MODEL, 200, 0)
    jobs = [PutPosting(prepare_posting(MODEL, a_posting(number))) for number in range(20)]
    work_of(kept, *jobs)
    # All jobs are alike and show the same few; slack has the next ones at hand.
    work = work_of(kept, DropSeeker(seeker_id(0)))
    assert (work.searches, work.refills) == (0, 0)
    assert plain(kept.live) == plain(kept.by_definition())
