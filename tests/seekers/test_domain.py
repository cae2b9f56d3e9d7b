"""The pure rules: what is worth telling, who is old enough, which addresses a webhook may have."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from contracts.values import MatchId, PostingId, SeekerId
from services.seekers.domain.feed import Head
from services.seekers.domain.notifying import (
    Kind,
    Match,
    News,
    Standing,
    hangs_on_content,
    heard,
)
from services.seekers.domain.person import is_old_enough, phone_of
from services.seekers.domain.webhooks import (
    UrlRefused,
    message_id,
    pause_s,
    shown_secret,
    signature,
    target_of,
)
from tests.support import NOW

MATERIAL = 50_000
PAIR = (MatchId(UUID(int=1)), SeekerId(UUID(int=2)), PostingId(UUID(int=3)))


@st.composite
def _histories(draw: st.DrawFn) -> list[Match]:
    """What the matcher may say of one pair, redelivered and out of order."""
    versions = draw(st.lists(st.integers(1, 12), min_size=1, max_size=20))
    told: dict[int, Match] = {}
    for version in set(versions):
        standing = draw(st.sampled_from(Standing))
        gone = standing is Standing.GONE
        score = None if gone else draw(st.integers(0, 20)) * 20_000
        seen = standing is Standing.SEEN
        content = draw(st.sampled_from((b"a", b"A", b"b"))) if seen else None
        told[version] = Match(*PAIR, version, standing, score, content)
    return [told[version] for version in versions]


def alike(one: bytes, other: bytes) -> bool:
    return one.lower() == other.lower()


def played(history: list[Match], *, looking: bool = True) -> tuple[Match | None, list[News]]:
    """As the feed is written. Content is at hand only where it was said to count."""
    known: Match | None = None
    news: list[News] = []
    for update in history:
        before = known and replace(known, content=None)
        if before is not None and before.told_seq and hangs_on_content(before, update):
            before = replace(before, content=news[before.told_seq - 1].match.content)
        decided = heard(
            before,
            update,
            seq=len(news) + 1,
            looking=looking,
            material_ppm=MATERIAL,
            alike=alike,
        )
        if decided is not None:
            known, told = decided
            news += [told] if told else []
    return known, news


@given(_histories())
def test_redelivery_and_old_versions_change_nothing(history: list[Match]) -> None:
    newest_first_seen = [
        update
        for n, update in enumerate(history)
        if update.version > max((before.version for before in history[:n]), default=0)
    ]
    assert played(history) == played(newest_first_seen)


@given(_histories())
def test_a_reader_of_the_feed_knows_what_is_seen(history: list[Match]) -> None:
    known, news = played(history)
    shown: tuple[int | None, Any] | None = None
    for told in news:
        assert (told.kind is Kind.FOUND) == (shown is None)
        withdrawn = told.kind is Kind.WITHDRAWN
        shown = None if withdrawn else (told.match.score_ppm, told.match.content)
    assert known is not None
    last = known.told_seq and news[known.told_seq - 1].match
    assert (known.told_seq is not None) == (known.standing is Standing.SEEN) == (shown is not None)
    assert shown == (last and (last.score_ppm, last.content))
    if shown is not None and known.content is not None:
        newest = max(history, key=lambda update: update.version)
        assert known.score_ppm == newest.score_ppm == shown[0]
        assert alike(shown[1] or b"", newest.content or b"")


@given(_histories())
def test_each_notification_is_materially_better_than_the_one_before(history: list[Match]) -> None:
    _, news = played(history)
    scores = [told.match.score_ppm or 0 for told in news if told.notify]
    assert all(b >= a + MATERIAL for a, b in pairwise(scores))
    assert bool(scores) == bool(news)


@given(_histories())
def test_who_is_not_looking_is_not_interrupted(history: list[Match]) -> None:
    _, news = played(history, looking=False)
    assert not any(told.notify for told in news)
    kinds = [told.kind for told in played(history)[1]]
    plain = [Kind.CHANGED if kind is Kind.IMPROVED else kind for kind in kinds]
    assert [told.kind for told in news] == plain


def test_what_was_told_counts_after_a_withdrawal_too() -> None:
    one = Match(*PAIR, 1, Standing.SEEN, 500_000, b"")
    gone = replace(one, version=2, standing=Standing.GONE, score_ppm=None, content=None)
    again = replace(one, version=3, score_ppm=540_000)
    assert [told.notify for told in played([one, gone, again])[1]] == [True, False, False]


@pytest.mark.parametrize(
    ("seq", "follows"), [(0, False), (2, False), (3, True), (7, True), (8, False)]
)
def test_a_stream_follows_what_is_kept(seq: int, *, follows: bool) -> None:
    assert Head(last_seq=7, trimmed_seq=3).can_follow(seq) is follows


@pytest.mark.parametrize(
    ("born", "today", "enough"),
    [
        (date(2010, 3, 1), date(2026, 3, 1), True),
        (date(2010, 3, 2), date(2026, 3, 1), False),
        (date(2008, 2, 29), date(2024, 2, 28), False),
        (date(2008, 2, 29), date(2024, 2, 29), True),
        (date(2030, 1, 1), date(2026, 3, 1), False),
    ],
)
def test_sixteen_is_reached_on_the_birthday(born: date, today: date, *, enough: bool) -> None:
    assert is_old_enough(born, today) is enough


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("13800001234", "13800001234"),
        ("138 0000 1234", "13800001234"),
        ("+86 138-0000-1234", "13800001234"),
        ("19900001234", "19900001234"),
        ("0871-65123456", "0871-65123456"),
        ("(0871)6512 3456", "0871-65123456"),
        ("010 6512 3456", "010-65123456"),
        ("0875-2123456", "0875-2123456"),
        ("12800001234", None),
        ("1380000123", None),
        ("65123456", None),
        ("0871-05123456", None),
        ("+1 415 555 0100", None),
        ("", None),
    ],
)
def test_phones_have_one_form(written: str, phone: str | None) -> None:
    assert phone_of(written) == phone


PRIVATE = [
    *("localhost", "a.localhost", "printer.local", "db.internal", "router.home.arpa", "intranet"),
    *("localhost.", "127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "0", "0.0.0.0", "10.0.0.1"),
    *("172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1"),
    *("224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fd00::1]", "[fe80::1]"),
    *("[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]"),
]


@pytest.mark.parametrize("host", PRIVATE)
def test_a_webhook_into_a_network_is_refused_by_its_looks(host: str) -> None:
    with pytest.raises(UrlRefused):
        target_of(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://Jobs.Example/a?b=c", "https://jobs.example:443"),
        ("https://jobs.example:8443/", "https://jobs.example:8443"),
        ("https://xn--fiq228c.example", "https://xn--fiq228c.example:443"),
        ("https://1.1.1.1/", "https://1.1.1.1:443"),
        ("https://[2606:4700:4700::1111]/", "https://2606:4700:4700::1111:443"),
    ],
)
def test_one_receiver_is_one_target(url: str, target: str) -> None:
    assert target_of(url, allow_private=False) == target


def test_plain_http_is_for_development_alone() -> None:
    assert target_of("http://127.0.0.1:9000/x", allow_private=True) == "http://127.0.0.1:9000"
    with pytest.raises(UrlRefused):
        target_of("http://jobs.example/", allow_private=False)


@given(st.binary(min_size=24, max_size=64), st.text(max_size=50))
def test_the_signature_is_the_one_of_the_reference(secret: bytes, text: str) -> None:
    body = text.encode()
    message = str(message_id(PAIR[1], 7))
    reference = Webhook(shown_secret(secret))
    expected = reference.sign(msg_id=message, timestamp=NOW, data=text)
    assert signature(secret, message, int(NOW.timestamp()), body) == expected


def test_pauses_grow_to_hours_and_spread() -> None:
    assert [pause_s(tries, 5, 0.5) for tries in (1, 2, 3, 8)] == [5, 20, 80, 21_600]
    assert pause_s(10_000, 5, 0.5) == 21_600
    assert (pause_s(1, 5, 0.0), pause_s(1, 5, 1.0)) == (2.5, 7.5)
