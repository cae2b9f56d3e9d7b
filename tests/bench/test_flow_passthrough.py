"""The stand-in says as much as its script asks, of the right seekers, and takes all of it back."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bench.flow.figures import Fan
from bench.flow.passthrough import Sayer, Script
from bench.flow.traffic import Traffic
from contracts.envelope import Event
from contracts.matches import MatchFound, MatchState, MatchWithdrawn, PostingBrief, Reason
from contracts.postings import Pay, PostingClosed, PostingPublished, PostingState
from contracts.values import PayUnit, PostingStatus, seeker_id_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAY = Pay(min=5_000, max=7_000, unit=PayUnit.MONTH)
NOBODY = UUID(int=0)


def a_sayer(of_other: Fan, of_probe: Fan | None = None) -> Sayer:
    state = MatchState(
        match_id=NOBODY,
        seeker_id=NOBODY,
        posting_id=NOBODY,
        score_ppm=700_000,
        for_seeker=True,
        for_posting=True,
        posting=PostingBrief(employer_id="acme", title="焊工", county="530102", pay=PAY),
        reason=Reason(code="match", points_ppm=700_000),
        model="m",
    )
    script: dict[str, Any] = {
        "accounts": tuple(f"s{n}" for n in range(200)),
        "probes": {"employer-1": "probe-1"},
        "of_probe": of_probe or of_other,
        "of_other": of_other,
        "state": state.model_dump(mode="json"),
    }
    return Sayer(Script(**script))


def published(number: int, employer: str = "acme") -> PostingPublished:
    posting = PostingState(
        posting_id=UUID(int=number),
        employer_id=employer,
        status=PostingStatus.OPEN,
        title="焊工",
        county="530102",
        pay=PAY,
        valid_until=NOW + timedelta(days=30),
    )
    return PostingPublished(subject=str(posting.posting_id), time=NOW, version=1, data=posting)


def closed(event: PostingPublished) -> PostingClosed:
    return PostingClosed(subject=event.subject, time=NOW, version=2, data=event.data)


def counted(events: list[Event]) -> Traffic:
    traffic = Traffic()
    for event in events:
        traffic.add(0, event.encoded())
    return traffic


def test_it_says_as_much_as_the_script_asks_on_average() -> None:
    fan = Fan(seen=6.25, unseen=1.5, gone=4.75)
    sayer = a_sayer(fan)
    said = [each for n in range(2_000) for each in sayer.said_of(published(n), NOW)]
    measured = counted(said).fan(2_000)
    assert abs(measured.seen - fan.seen) < 0.1
    assert abs(measured.unseen - fan.unseen) < 0.1
    # The first postings push nobody out.
    assert abs(measured.gone - fan.gone) < 0.2


def test_a_probe_hears_of_its_own_employers_postings_however_little_is_said() -> None:
    sayer = a_sayer(Fan(5.0), of_probe=Fan(0.5))
    for n in range(20):
        found = [e for e in sayer.said_of(published(n, "employer-1"), NOW) if e.version == 1]
        assert isinstance(found[0], MatchFound)
        assert found[0].data.seeker_id == seeker_id_of("probe-1")
        assert found[0].data.for_seeker
        assert str(found[0].data.posting_id) == published(n).subject


def test_no_pair_is_told_twice_and_all_are_withdrawn_once() -> None:
    sayer = a_sayer(Fan(7.5, 2.5, 6.0))
    postings = [published(n) for n in range(300)]
    said = [each for event in postings for each in sayer.said_of(event, NOW)]
    said += [each for event in postings for each in sayer.said_of(event, NOW)]
    said += [each for event in postings for each in sayer.said_of(closed(event), NOW)]
    said += [each for event in postings for each in sayer.said_of(closed(event), NOW)]
    found = Counter(event.subject for event in said if isinstance(event, MatchFound))
    gone = Counter(event.subject for event in said if isinstance(event, MatchWithdrawn))
    assert set(found.values()) == {1}
    assert found == gone
    order = [event.subject for event in said]
    assert all(order.index(one) < len(order) - 1 - order[::-1].index(one) for one in found)
