"""Whatever happens to a market, however it is heard, the live set is that of its state."""

from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from contracts.values import PostingId, SeekerId
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.engine import Change, PutPosting, PutSeeker
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.side import Sizes
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.vector import ONE
from tests.matcher.documents import certificates_held, postings, seekers
from tests.matcher.engines import Kept, Scores, Walk, plain

numbers = st.integers(1, 5)
Folder = tuple[SeekerId, int, tuple[HeldCertificate, ...]]
News = Posting | Seeker | Folder

_LONG_S = 3600


class Market(RuleBasedStateMachine):
    """Employers, seekers and issuers write; news of it is heard late, twice and out of order.

    The latest of each aggregate is kept by version, as the matcher's tables keep it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[Any, int] = {}
        self.written: list[News] = []
        self.postings: dict[PostingId, Posting] = {}
        self.seekers: dict[SeekerId, Seeker] = {}
        self.folders: dict[SeekerId, Folder] = {}
        self.batch: list[Change] = []

    @initialize(
        tau_ppm=st.sampled_from((0, 150_000, 300_000)),
        k_s=st.integers(0, 3),
        k_p=st.integers(0, 3),
        head=st.integers(1, 5),
        segment=st.integers(5, 20),
        slack=st.integers(0, 2),
        loud_from=st.sampled_from((None, 500, ONE)),
    )
    def begin(
        self,
        tau_ppm: int,
        k_s: int,
        k_p: int,
        head: int,
        segment: int,
        slack: int,
        loud_from: int | None,
    ) -> None:
        self.model = base_model().limited(tau_ppm=tau_ppm, k_s=k_s, k_p=k_p)
        self.sizes, self.slack = Sizes(head, segment, loud_from), slack
        self.kept = Kept(self.an_engine())

    def an_engine(self) -> FastEngine:
        return FastEngine(self.model, sizes=self.sizes, slack=self.slack)

    def next_version(self, of: object) -> int:
        self.versions[of] = self.versions.get(of, 0) + 1
        return self.versions[of]

    @rule(data=st.data(), number=numbers, heard=st.booleans())
    def write_posting(self, data: st.DataObject, number: int, heard: bool) -> None:
        self.write(data.draw(postings(number, self.next_version(("posting", number)))), heard)

    @rule(data=st.data(), number=numbers, heard=st.booleans())
    def write_profile(self, data: st.DataObject, number: int, heard: bool) -> None:
        self.write(data.draw(seekers(number, self.next_version(("seeker", number)))), heard)

    @rule(data=st.data(), number=numbers, held=certificates_held, heard=st.booleans())
    def write_folder(
        self, data: st.DataObject, number: int, held: tuple[HeldCertificate, ...], heard: bool
    ) -> None:
        # Certificates may be verified before the profile is known, lapse, and come back.
        seeker = data.draw(seekers(number)).seeker_id
        self.write((seeker, self.next_version(("folder", number)), held), heard)

    def write(self, news: News, heard: bool) -> None:
        self.written.append(news)
        if heard:
            self.hear(news)

    @rule(data=st.data())
    def hear_any(self, data: st.DataObject) -> None:
        """Late, again, or after something newer."""
        if self.written:
            self.hear(data.draw(st.sampled_from(self.written)))

    def hear(self, news: News) -> None:
        match news:
            case Posting():
                known = self.postings.get(news.posting_id)
                if known is None or known.version < news.version:
                    self.postings[news.posting_id] = news
                self.batch.append(self.now_posting(news.posting_id))
            case Seeker():
                profile = self.seekers.get(news.seeker_id)
                if profile is None or profile.version < news.version:
                    self.seekers[news.seeker_id] = news
                self.batch.append(self.now_seeker(news.seeker_id))
            case (seeker_id, version, _):
                folder = self.folders.get(seeker_id)
                if folder is None or folder[1] < version:
                    self.folders[seeker_id] = news
                if seeker_id in self.seekers:
                    self.batch.append(self.now_seeker(seeker_id))

    def now_posting(self, posting_id: PostingId) -> PutPosting:
        return PutPosting(prepare_posting(self.model, self.postings[posting_id]))

    def now_seeker(self, seeker_id: SeekerId) -> PutSeeker:
        held = self.folders[seeker_id][2] if seeker_id in self.folders else ()
        return PutSeeker(prepare_seeker(self.model, self.seekers[seeker_id], held))

    @rule()
    def apply_batch(self) -> None:
        self.kept.take(*self.batch)
        self.batch = []

    @rule()
    def settle(self) -> None:
        self.apply_batch()
        self.kept.assert_exact()

    @rule(restored=st.booleans())
    def restart(self, restored: bool) -> None:
        """A new process loads what is stored and goes on; there is nothing that it must tell."""
        self.settle()
        self.kept = self.kept.anew(self.an_engine(), restored=restored)
        assert self.kept.settle() == []
        self.kept.assert_exact()

    @invariant()
    def no_seeker_is_told_more_than_the_limit(self) -> None:
        for seeker_id in {seeker_id for seeker_id, _ in self.kept.live}:
            own = [m for (s, _), m in self.kept.live.items() if s == seeker_id and m.for_seeker]
            assert len(own) <= self.model.limits.k_s


@pytest.mark.timeout(_LONG_S)
def test_any_history_ends_in_the_live_set_of_what_was_written(times: int) -> None:
    how = settings(max_examples=60 * times, stateful_step_count=40)
    run_state_machine_as_test(Market, settings=how)


@pytest.mark.timeout(_LONG_S)
@pytest.mark.parametrize(
    ("seed", "n_postings", "n_seekers", "changes"),
    [(1, 6, 6, 1000), (2, 3, 40, 600), (3, 30, 5, 600), (4, 60, 60, 320), (5, 8, 150, 240)],
)
def test_a_long_walk_is_exact_at_each_step(
    seed: int, n_postings: int, n_seekers: int, changes: int, times: int
) -> None:
    """Each market is walked through under several limits, sizes and slacks, in turn."""
    draw = Random(seed)
    for _ in range(4 * times):
        model = base_model().limited(
            tau_ppm=draw.choice((0, 150_000, 300_000)),
            k_s=draw.randint(0, 4),
            k_p=draw.randint(0, 4),
        )
        head = draw.choice((1, 2, 5, 16))
        loud_from = draw.choice((None, 500, ONE))
        sizes = Sizes(head, max(head, draw.choice((8, 32, 256))), loud_from)
        kept = Kept(FastEngine(model, sizes=sizes, slack=draw.randint(0, 2)))
        walk, scores = Walk(draw.randrange(1 << 32), model, n_postings, n_seekers), Scores()
        kept.take(*walk.everyone())
        taken = 0
        while taken < changes // 4:
            batch = walk.batch()
            kept.take(*batch)
            taken += len(batch)
            if draw.random() < 0.7:
                kept.settle()
                want = scores.standings(kept)
                assert plain(kept.live) == want
                assert kept.stands() == want
        kept.assert_exact()
