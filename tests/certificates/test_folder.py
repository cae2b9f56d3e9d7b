"""The folder as a state machine: after any history it holds what the registry says now."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.values import CertificateId, CertificateStatus, SeekerId
from services.certificates.actions.reviewing import event_of
from services.certificates.domain.digests import Statement
from services.certificates.domain.folder import Change, Claim, Folder
from services.certificates.domain.registry import Entry, RegistryStatus
from services.certificates.domain.verdicts import Verdict
from tests.certificates.samples import LI_NA, an_entry
from tests.support import NOW

NUMBERS = tuple(bytes([n]) * 32 for n in range(4))


def a_claim(n: int) -> Claim:
    statement = Statement(NUMBERS[n], b"h" * 32, b"i" * 32)
    claim_id = CertificateId(an_entry(100 + n).entry_id)
    return Claim(claim_id, statement, None, "****", claimed_at=NOW, decided_at=NOW)


class FolderHistory(RuleBasedStateMachine):
    """Claims, corrections by the registry and passing days, in any order.

    The oracle reads the latest entries and decides anew, with no memory of what was before.
    """

    @initialize()
    def start(self) -> None:
        self.now = NOW
        self.folder = Folder(SeekerId(LI_NA.seeker_id))
        self.registry: dict[bytes, Entry] = {}
        self.changes: list[Change] = []

    @rule(n=st.integers(0, 3))
    def claim(self, n: int) -> None:
        claim = a_claim(n)
        if self.folder.like(claim) is None:
            self.changes.append(self.folder.admit(claim))
            self._review(claim)

    @rule(
        n=st.integers(0, 3),
        status=st.sampled_from(RegistryStatus),
        level=st.integers(1, 8),
        days=st.one_of(st.none(), st.integers(-3, 9)),
    )
    def register(self, n: int, status: RegistryStatus, level: int, days: int | None) -> None:
        valid_until = None if days is None else self.now.date() + timedelta(days=days)
        self.registry[NUMBERS[n]] = an_entry(
            n, status=status, level=level, valid_until=valid_until, issued_on=date(2020, 1, 1)
        )
        self._review_all(n)

    @rule(n=st.integers(0, 3))
    def take_from_the_holder(self, n: int) -> None:
        self.registry.pop(NUMBERS[n], None)
        self._review_all(n)

    @rule(days=st.integers(1, 4))
    def pass_days(self, days: int) -> None:
        self.now += timedelta(days=days)
        for claim in list(self.folder.claims.values()):
            if claim.is_due(self.now):
                self._review(claim)

    def _review_all(self, n: int) -> None:
        for claim in list(self.folder.claims.values()):
            if claim.statement.number == NUMBERS[n]:
                self._review(claim)

    def _review(self, claim: Claim) -> None:
        for _ in range(2):  # The second look finds nothing new.
            entry = self.registry.get(claim.statement.number)
            change = self.folder.review(claim.claim_id, [entry] if entry else [], self.now)
            if change is not None:
                self.changes.append(change)

    @invariant()
    def counts_what_is_registered_and_good(self) -> None:
        expected = [
            claim.claim_id
            for claim in sorted(self.folder.claims.values(), key=lambda claim: claim.claim_id)
            if (entry := self.registry.get(claim.statement.number)) is not None
            and entry.verdict(self.now) is Verdict.VALID
        ]
        assert [claim.claim_id for claim in self.folder.in_force()] == expected

    @invariant()
    def the_last_event_says_what_the_folder_holds(self) -> None:
        if self.changes:
            assert self.changes[-1].in_force == self.folder.in_force()
            event = event_of(self.changes[-1], self.now)
            assert event.version == self.folder.version
            assert len(event.data.in_force) == len(self.folder.in_force())

    @invariant()
    def versions_have_no_gap_and_no_change_is_empty(self) -> None:
        versions = [change.version for change in self.changes]
        assert versions == list(range(1, len(versions) + 1))
        latest: dict[CertificateId, Claim] = {}
        for change in self.changes:
            assert latest.get(change.claim.claim_id) != change.claim
            latest[change.claim.claim_id] = change.claim
        assert latest == self.folder.claims

    @invariant()
    def what_once_counted_is_never_rejected(self) -> None:
        verified: set[CertificateId] = set()
        for change in self.changes:
            if change.claim.status is CertificateStatus.VERIFIED:
                verified.add(change.claim.claim_id)
            if change.claim.status is CertificateStatus.REJECTED:
                assert change.claim.claim_id not in verified


TestFolderHistory = FolderHistory.TestCase
TestFolderHistory.settings = settings(max_examples=60, stateful_step_count=25)


@given(st.permutations(range(3)))
def test_a_certificate_counts_once_whatever_claims_it(order: list[int]) -> None:
    folder = Folder(SeekerId(LI_NA.seeker_id))
    shared = [an_entry(7)]
    for n in order:
        folder.admit(a_claim(n))
        folder.review(a_claim(n).claim_id, shared, NOW)
    assert len(folder.in_force()) == 1
