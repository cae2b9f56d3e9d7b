"""The rules of offers and postings, without any server."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.events import PostingEvent, parse
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.values import ClosedReason, PayUnit, PostingStatus
from services.postings.actions import event_of
from services.postings.domain.contacts import HIDDEN, without_contacts
from services.postings.domain.offers import (
    LONGEST_VALIDITY,
    PAY_CEILING_CNY,
    CertificateWanted,
    Offer,
    OfferRefused,
    Pay,
    SkillWanted,
    check,
    derived_reference,
)
from services.postings.domain.postings import Posting, PostingAlreadyClosed, published
from tests.postings.samples import EMPLOYER, a_posting, a_posting_id, an_offer, offers
from tests.support import NOW

SECOND = timedelta(seconds=1)


def broken_by(offer: Offer, now: datetime = NOW) -> list[tuple[str, str]]:
    try:
        check(offer, now)
    except OfferRefused as refused:
        return [(rule.pointer, rule.code) for rule in refused.broken]
    return []


@given(offers())
def test_a_good_offer_breaks_no_rule(offer: Offer) -> None:
    assert broken_by(offer) == []


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"county": "999999"}, ("/county", "county_unknown")),
        ({"county": "530100"}, ("/county", "county_is_a_prefecture")),
        ({"county": ""}, ("/county", "county_unknown")),
        ({"pay": Pay(-1, 9000, PayUnit.MONTH)}, ("/pay/min", "pay_not_positive")),
        ({"pay": Pay(0, 0, PayUnit.HOUR)}, ("/pay/min", "pay_not_positive")),
        ({"pay": Pay(9000, 8999, PayUnit.MONTH)}, ("/pay/max", "pay_max_below_min")),
        ({"pay": Pay(20, 5001, PayUnit.HOUR)}, ("/pay/max", "pay_above_ceiling")),
        ({"occupation": "6-18-02-99"}, ("/occupation", "occupation_unknown")),
        ({"occupation": "6-18-02"}, ("/occupation", "occupation_is_a_class")),
        (
            {"certificates": (CertificateWanted("9-99-99-99", 3),)},
            ("/certificates/0/occupation", "occupation_unknown"),
        ),
        (
            {"skills": (SkillWanted("PLC 编程"), SkillWanted("ＰＬＣ　编程", required=False))},
            ("/skills/1/name", "skill_named_twice"),
        ),
        (
            {"skills": (SkillWanted("Straße"), SkillWanted("x"), SkillWanted("STRASSE"))},
            ("/skills/2/name", "skill_named_twice"),
        ),
        ({"valid_until": NOW}, ("/valid_until", "valid_until_past")),
        ({"valid_until": NOW - SECOND}, ("/valid_until", "valid_until_past")),
        (
            {"valid_until": NOW + LONGEST_VALIDITY + SECOND},
            ("/valid_until", "valid_until_too_far"),
        ),
    ],
)
def test_each_broken_rule_is_named_at_its_place(
    changes: dict[str, Any], broken: tuple[str, str]
) -> None:
    assert broken_by(an_offer(**changes)) == [broken]


def test_all_broken_rules_are_told_at_once() -> None:
    offer = an_offer(county="1", occupation="2", pay=Pay(5, 4, PayUnit.DAY), valid_until=NOW)
    assert [pointer for pointer, _ in broken_by(offer)] == [
        "/county",
        "/pay/max",
        "/occupation",
        "/valid_until",
    ]


@given(st.sampled_from(PayUnit), st.integers(-5, 13_000_000), st.integers(-5, 13_000_000))
def test_pay_passes_exactly_where_it_is_a_sane_range(unit: PayUnit, low: int, high: int) -> None:
    passes = broken_by(an_offer(pay=Pay(low, high, unit))) == []
    assert passes == (0 < low <= high <= PAY_CEILING_CNY[unit])


@given(st.timedeltas(timedelta(days=-400), timedelta(days=800)))
def test_a_posting_is_valid_for_more_than_nothing_and_at_most_a_year(ahead: timedelta) -> None:
    passes = broken_by(an_offer(valid_until=NOW + ahead)) == []
    assert passes == (timedelta(0) < ahead <= timedelta(days=366))


# ------------------------------------------------------------ derived references


@given(offers())
def test_the_same_offer_has_the_same_reference_in_any_zone(offer: Offer) -> None:
    beijing = timezone(timedelta(hours=8))
    elsewhere = replace(offer, valid_until=offer.valid_until.astimezone(beijing))
    assert derived_reference(elsewhere) == derived_reference(offer)
    assert len(derived_reference(offer)) <= 100


@given(offers(), offers())
def test_different_offers_have_different_references(one: Offer, other: Offer) -> None:
    assert (derived_reference(one) == derived_reference(other)) == (one == other)


def test_a_derived_reference_stays_what_it_was() -> None:
    # A file that was imported by an earlier version must be known again by every later one.
    assert derived_reference(an_offer()) == PINNED


PINNED = "content:6c3d3f04d137ac6ac8293f3a2fb41a7dd4a31da0"


# ---------------------------------------------------------------- life of a posting


class PostingLife(RuleBasedStateMachine):
    """Whatever is done to a posting in whatever order."""

    @initialize(offer=offers())
    def publish(self, offer: Offer) -> None:
        self.now = NOW
        self.posting = published(a_posting_id(), EMPLOYER, offer, NOW, "A-1")
        self.told: list[PostingEvent] = [event_of(self.posting)]

    @rule(passed=st.timedeltas(timedelta(0), timedelta(days=90)))
    def time_passes(self, passed: timedelta) -> None:
        self.now += passed

    @rule(offer=offers())
    def revise(self, offer: Offer) -> None:
        if self.posting.status is PostingStatus.CLOSED:
            with pytest.raises(PostingAlreadyClosed):
                self.posting.revised(offer, self.now)
        else:
            self.become(self.posting.revised(offer, self.now))

    @rule()
    def revise_with_nothing_new(self) -> None:
        if self.posting.status is PostingStatus.OPEN:
            assert self.posting.revised(self.posting.offer, self.now) is self.posting

    @rule(reason=st.sampled_from(ClosedReason))
    def close(self, reason: ClosedReason) -> None:
        due = self.posting.is_due(self.now)
        was_open = self.posting.status is PostingStatus.OPEN
        self.become(self.posting.closed(self.now, reason))
        if was_open:
            assert self.posting.closed_reason is (ClosedReason.EXPIRED if due else reason)

    def become(self, after: Posting) -> None:
        if after is not self.posting:
            assert after.version == self.posting.version + 1
            assert after.changed_at >= self.posting.changed_at
            self.told.append(event_of(after))
        self.posting = after

    @invariant()
    def versions_are_told_one_by_one(self) -> None:
        assert [event.version for event in self.told] == [*range(1, self.posting.version + 1)]

    @invariant()
    def the_types_tell_the_life(self) -> None:
        first, *later = self.told
        assert isinstance(first, PostingPublished)
        closed = self.posting.status is PostingStatus.CLOSED
        revisions = later[:-1] if closed else later
        assert all(isinstance(event, PostingRevised) for event in revisions)
        assert isinstance(self.told[-1], PostingClosed) == closed

    @invariant()
    def who_and_when_never_change(self) -> None:
        posting = self.posting
        assert (posting.employer_id, posting.reference) == (EMPLOYER, "A-1")
        assert posting.published_at == NOW


TestPostingLife = PostingLife.TestCase
TestPostingLife.settings = settings(max_examples=40, stateful_step_count=20)


def test_a_clock_that_lags_does_not_turn_time_back() -> None:
    posting = a_posting()
    revised = posting.revised(an_offer(title="电焊工"), NOW - SECOND)
    assert (revised.version, revised.changed_at) == (2, NOW)


# -------------------------------------------------------------------------- events


@given(offers())
def test_the_event_holds_the_whole_posting(offer: Offer) -> None:
    posting = a_posting(offer)
    event = event_of(posting)
    assert parse(event.encoded()) == event
    assert (event.key, event.time) == (str(posting.posting_id), posting.changed_at)
    told = event.data
    assert (told.title, told.text) == (without_contacts(offer.title), without_contacts(offer.text))
    assert (told.county, told.occupation, told.remote) == (
        offer.county,
        offer.occupation,
        offer.remote,
    )
    assert (told.pay.min, told.pay.max, told.pay.unit) == (
        offer.pay.min,
        offer.pay.max,
        offer.pay.unit,
    )
    assert [(skill.name, skill.required) for skill in told.skills] == [
        (without_contacts(skill.name), skill.required) for skill in offer.skills
    ]
    assert [(c.occupation, c.level, c.required) for c in told.certificates] == [
        (c.occupation, c.level, c.required) for c in offer.certificates
    ]
    assert (told.headcount, told.employment) == (offer.headcount, offer.employment)
    assert (told.education, told.experience_years) == (offer.education, offer.experience_years)
    assert told.valid_until == offer.valid_until
    assert (told.status, told.closed_reason) == (PostingStatus.OPEN, None)


def _numbers() -> Iterator[str]:
    yield from ("13800138000", "138 0013 8000", "138-0013-8000", "+86 13800138000")
    yield from ("１３８００１３８０００", "0871-63123456", "(0871)63123456", "087163123456")
    yield from ("530102199003071234", "53010219900307123X", "li.na@example.cn", "a@b.com.cn")
    yield from ("QQ：123456", "qq 1234567890", "微信号：lina_2026", "加VX:lina2026", "微信：a12345")


@pytest.mark.parametrize("contact", [*_numbers()])
def test_contacts_do_not_leave_in_events(contact: str) -> None:
    offer = an_offer(
        title=f"焊工{contact}",
        text=f"有意者请联系{contact}，张经理。",
        skills=(SkillWanted(f"焊接 {contact}"),),
    )
    told = event_of(a_posting(offer)).data
    assert told.title.startswith("焊工")
    assert told.text.startswith("有意者请联系")
    assert told.text.endswith("，张经理。")
    assert all(HIDDEN in text for text in (told.title, told.text, told.skills[0].name))
    assert contact not in event_of(a_posting(offer)).encoded().decode()


@pytest.mark.parametrize(
    "text",
    [
        "月薪 6000-9000 元，13 薪，年薪 120000 元",
        "2026-03-01 到岗，8:30-17:30",
        "熟悉微信小程序、QQ音乐运营、C++/C#、@Autowired 注解",
        "编号 2026030100012345678901",
        "GB/T 2260-2007，530102",
    ],
)
def test_what_is_no_contact_stays(text: str) -> None:
    assert without_contacts(text) == text


@pytest.mark.parametrize(
    "part", ["a", "1", "0 ", "a.", "a@", "a@a.", "QQ ", "QQ", " ", "微信号 ", "VX:", "138 "]
)
@pytest.mark.parametrize("start", ["", "QQ", "微信号", "a@", "+86"])
def test_no_text_takes_long_to_look_through(start: str, part: str) -> None:
    text = (start + part * 10_000)[:10_000]
    began = time.process_time()
    without_contacts(text)
    assert time.process_time() - began < 0.5


@given(st.text(max_size=300))
def test_hiding_twice_hides_no_more(text: str) -> None:
    once = without_contacts(text)
    assert without_contacts(once) == once
