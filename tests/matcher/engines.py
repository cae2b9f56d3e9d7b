"""An engine with the documents it was given, and what someone knows who hears it settle.

What is right is for `oracle` to say; documents are drawn in `documents`.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from random import Random
from typing import assert_never

import numpy as np

from contracts.values import PostingId, SeekerId
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    LiveMatch,
    Pair,
    PairChange,
    PutPosting,
    PutSeeker,
    Standing,
)
from services.matcher.domain.explain import explain
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.known import KnownLive, KnownPosting, KnownSeeker
from services.matcher.domain.fast.side import RunAll, Sizes
from services.matcher.domain.model import Model
from services.matcher.domain.oracle import live_set, standings
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.scoring import score
from services.matcher.domain.vector import TermVector
from tests.matcher.documents import any_folder, any_posting, any_seeker, posting_id, seeker_id

SMALL = Sizes(head=4, segment=32)
"""So small that a few dozen documents fill heads and segments, and wear them out."""

_HALF = (1 << 64) - 1


def a_small_engine(model: Model) -> FastEngine:
    """One that freezes, merges and refills all the time."""
    return FastEngine(model, sizes=SMALL, slack=1)


def in_threads(pool: ThreadPoolExecutor) -> RunAll:
    """Runs searches at once."""
    return lambda jobs: list(pool.map(lambda job: job(), jobs))


@dataclass
class Kept:
    """An engine, the documents that it was given last, and the live set that was heard of it."""

    engine: FastEngine
    postings: dict[PostingId, PreparedPosting] = field(default_factory=dict)
    seekers: dict[SeekerId, PreparedSeeker] = field(default_factory=dict)
    live: dict[Pair, LiveMatch] = field(default_factory=dict)

    def take(self, *changes: Change) -> None:
        """Hand the changes over; what they say of a document is remembered."""
        self.engine.apply(changes)
        for change in changes:
            match change:
                case PutPosting(posting):
                    self.postings[posting.doc.posting_id] = posting
                case DropPosting(posting_id):
                    self.postings.pop(posting_id, None)
                case PutSeeker(seeker):
                    self.seekers[seeker.doc.seeker_id] = seeker
                case DropSeeker(seeker_id):
                    self.seekers.pop(seeker_id, None)
                case _:
                    assert_never(change)

    def settle(self) -> list[PairChange]:
        """Give what is wanted, and hear what changed; raises KeyError where it was not known."""
        self.engine.refill([self.seekers[wanted] for wanted in self.engine.wanted()])
        assert self.engine.wanted() == []
        told = self.engine.settle()
        assert [(c.posting_id, c.seeker_id) for c in told] == sorted(
            {(c.posting_id, c.seeker_id) for c in told}
        )
        for change in told:
            pair = (change.seeker_id, change.posting_id)
            if change.standing is None:
                del self.live[pair]
            else:
                self.live[pair] = self._explained(pair, change.standing)
        return told

    def heard(self) -> dict[Pair, LiveMatch]:
        """The live set as it is known to who has heard everything up to now."""
        self.settle()
        return dict(self.live)

    def stands(self) -> dict[Pair, Standing]:
        """How pairs are live, each asked for."""
        pairs = [(seeker, posting) for seeker in self.seekers for posting in self.postings]
        found = zip(pairs, self.engine.standing(pairs), strict=True)
        return {pair: standing for pair, standing in found if standing is not None}

    def by_definition(self) -> dict[Pair, LiveMatch]:
        """What must be live, by brute force."""
        return live_set(self.engine.model.limits, self.postings.values(), self.seekers.values())

    def assert_exact(self) -> None:
        """What was heard, and what is answered, is what must be."""
        want = self.by_definition()
        assert self.heard() == want
        assert self.stands() == plain(want)

    def anew(self, engine: FastEngine, *, restored: bool) -> "Kept":
        """What a new process has: all documents loaded; lists as stored, or searched for."""
        known_postings, known_seekers = known(self.postings.values(), self.seekers.values())
        engine.load(known_postings, known_seekers)
        if restored:
            engine.restore(columns(self.live))
        else:
            engine.fill_seekers(known_seekers)
            engine.fill_postings(engine.posting_ids())
        return Kept(engine, dict(self.postings), dict(self.seekers), dict(self.live))

    def _explained(self, pair: Pair, at: Standing) -> LiveMatch:
        why = explain(self.postings[pair[1]], self.seekers[pair[0]])
        return LiveMatch(at.score_ppm, at.for_seeker, at.for_posting, why)


class Scores:
    """The oracle's scores of all pairs of what is kept, each worked out once a document."""

    def __init__(self) -> None:
        self._postings: dict[PostingId, PreparedPosting] = {}
        self._seekers: dict[SeekerId, PreparedSeeker] = {}
        self._scored: dict[Pair, int] = {}

    def standings(self, kept: Kept) -> dict[Pair, Standing]:
        """How each pair must be live."""
        jobs = {each for each in kept.postings if kept.postings[each] is not self._was(each)}
        people = {each for each in kept.seekers if kept.seekers[each] is not self._was_seeker(each)}
        gone = jobs | people | (self._postings.keys() - kept.postings.keys())
        gone |= self._seekers.keys() - kept.seekers.keys()
        self._scored = {
            pair: points
            for pair, points in self._scored.items()
            if pair[0] not in gone and pair[1] not in gone
        }
        self._postings, self._seekers = dict(kept.postings), dict(kept.seekers)
        pairs = {(seeker, posting) for seeker in people for posting in self._postings}
        pairs |= {(seeker, posting) for seeker in self._seekers for posting in jobs}
        for pair in pairs:
            posting, seeker = self._postings[pair[1]], self._seekers[pair[0]]
            if not broken_rules(posting, seeker):
                self._scored[pair] = score(posting, seeker).score_ppm
        return standings(kept.engine.model.limits, self._scored)

    def _was(self, posting_id: PostingId) -> PreparedPosting | None:
        return self._postings.get(posting_id)

    def _was_seeker(self, seeker_id: SeekerId) -> PreparedSeeker | None:
        return self._seekers.get(seeker_id)


class Walk:
    """A market of so many postings and seekers that changes at random.

    Each is, at any time, of one of a few shapes. So many score the same, and stand side by side in
    blocks whose bounds are no higher than they must be: where one were too low, it would be seen.
    Half of the postings are the other half at slightly higher pay, which is told and seldom scored.
    """

    def __init__(
        self, seed: int, model: Model, n_postings: int, n_seekers: int, shapes: int = 12
    ) -> None:
        self._draw = Random(seed)
        offers = [any_posting(self._draw, 0) for _ in range(shapes // 2)]
        offers += [replace(job, pay=replace(job.pay, max=job.pay.max + 1)) for job in offers]
        jobs = [prepare_posting(model, job) for job in offers]
        people = [
            prepare_seeker(model, any_seeker(self._draw, 0), any_folder(self._draw))
            for _ in range(shapes)
        ]
        self._postings = [
            [replace(job, doc=replace(job.doc, posting_id=posting_id(number))) for job in jobs]
            for number in range(n_postings)
        ]
        self._seekers = [
            [replace(each, doc=replace(each.doc, seeker_id=seeker_id(number))) for each in people]
            for number in range(n_seekers)
        ]

    def everyone(self) -> list[Change]:
        """One shape of each document, to begin with."""
        return [
            *(PutPosting(self._draw.choice(same)) for same in self._postings),
            *(PutSeeker(self._draw.choice(same)) for same in self._seekers),
        ]

    def batch(self, most: int = 6) -> list[Change]:
        """One to six changes; of the same document there may be several."""
        return [self._change() for _ in range(self._draw.randint(1, most))]

    def _change(self) -> Change:
        posting = self._draw.choice(self._draw.choice(self._postings))
        seeker = self._draw.choice(self._draw.choice(self._seekers))
        changes: tuple[Change, ...] = (
            PutPosting(posting),
            PutSeeker(seeker),
            DropPosting(posting.doc.posting_id),
            DropSeeker(seeker.doc.seeker_id),
        )
        return self._draw.choices(changes, (40, 40, 10, 10))[0]


def plain(live: dict[Pair, LiveMatch]) -> dict[Pair, Standing]:
    """Without the reasons."""
    return {
        pair: Standing(match.score_ppm, match.for_seeker, match.for_posting)
        for pair, match in live.items()
    }


def no_words(name: str) -> TermVector:
    """For a numbering whose words nobody asks for."""
    return TermVector(np.zeros(0, np.int32), np.zeros(0, np.int32))


def known(
    postings: Iterable[PreparedPosting], seekers: Iterable[PreparedSeeker]
) -> tuple[list[KnownPosting], list[KnownSeeker]]:
    """Documents as an engine loads them: through the bytes they are stored as, the last first."""
    jobs = [
        KnownPosting(
            job.doc.posting_id,
            PostingFacts.from_bytes(PostingFacts.of(job).to_bytes()),
            job.terms,
        )
        for job in postings
        if job.doc.open
    ]
    people = [
        KnownSeeker(
            person.doc.seeker_id,
            SeekerFacts.from_bytes(SeekerFacts.of(person).to_bytes()),
            person.terms,
        )
        for person in seekers
        if person.doc.looking
    ]
    return jobs[::-1], people[::-1]


def columns(live: dict[Pair, LiveMatch]) -> KnownLive:
    """A live set as it is read back."""
    ids = np.array(
        [
            (seeker.int >> 64, seeker.int & _HALF, posting.int >> 64, posting.int & _HALF)
            for seeker, posting in live
        ],
        np.uint64,
    ).reshape(-1, 4)
    matches = list(live.values())
    seeker_high, seeker_low, posting_high, posting_low = ids.T.copy()
    return KnownLive(
        seeker_high,
        seeker_low,
        posting_high,
        posting_low,
        np.array([match.score_ppm for match in matches], np.int32),
        np.array([match.for_seeker for match in matches], np.bool_),
        np.array([match.for_posting for match in matches], np.bool_),
    )
