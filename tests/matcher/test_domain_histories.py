"""Whatever happens to a market, however it is heard, the live set is that of its state."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.values import PostingId, SeekerId
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.engine import Change, LiveMatch, Pair, PutPosting, PutSeeker, Standing
from services.matcher.domain.matchset import MatchSet
from services.matcher.domain.oracle import live_set
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from tests.matcher.documents import certificates_held, postings, seekers

numbers = st.integers(1, 5)
Folder = tuple[SeekerId, int, tuple[HeldCertificate, ...]]
News = Posting | Seeker | Folder


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
        self.live: dict[Pair, LiveMatch] = {}

    @initialize(
        tau_ppm=st.sampled_from((0, 150_000, 300_000)), k_s=st.integers(0, 3), k_p=st.integers(0, 3)
    )
    def begin(self, tau_ppm: int, k_s: int, k_p: int) -> None:
        self.model = base_model().limited(tau_ppm=tau_ppm, k_s=k_s, k_p=k_p)
        self.engine = MatchSet(self.model)

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
        self.engine.apply(self.batch)
        self.batch = []

    @rule()
    def restart(self) -> None:
        """A new process reads the tables; what it must tell is the difference to what was told."""
        self.settle()
        self.engine = MatchSet(self.model)
        self.engine.apply(self.everything())
        assert self.engine.live() == {
            pair: Standing(match.score_ppm, match.for_seeker, match.for_posting)
            for pair, match in self.live.items()
        }

    @rule()
    def settle(self) -> None:
        self.apply_batch()
        for change in self.engine.settle():
            pair = (change.seeker_id, change.posting_id)
            if change.match is None:
                del self.live[pair]
            else:
                self.live[pair] = change.match
        everything = self.everything()
        assert self.live == live_set(
            self.model.limits,
            [change.posting for change in everything if isinstance(change, PutPosting)],
            [change.seeker for change in everything if isinstance(change, PutSeeker)],
        )

    def everything(self) -> list[PutPosting | PutSeeker]:
        return [
            *(self.now_posting(posting_id) for posting_id in self.postings),
            *(self.now_seeker(seeker_id) for seeker_id in self.seekers),
        ]

    @invariant()
    def no_seeker_is_told_more_than_the_limit(self) -> None:
        for seeker_id in {seeker_id for seeker_id, _ in self.live}:
            own = [m for (s, _), m in self.live.items() if s == seeker_id and m.for_seeker]
            assert len(own) <= self.model.limits.k_s


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
