"""The pure rules: identity numbers, certificate numbers, levels, digests, verdicts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certificates.domain.digests import Pepper, holder
from services.certificates.domain.identity import (
    IdentityNumberInvalid,
    check_character,
    identity_number,
    stands_in,
)
from services.certificates.domain.levels import LevelUnknown, level_of
from services.certificates.domain.numbers import (
    NumberFormat,
    NumberUnreadable,
    certificate_number,
)
from services.certificates.domain.registry import RegistryStatus, answer, ends_at
from services.certificates.domain.verdicts import Verdict
from tests.certificates.samples import LI_NA, PEPPER, WANG_WEI, an_entry
from tests.support import NOW

VALID = [
    "11010519491231002X",
    "34052419800101001X",
    "440524188001010014",
    "530102199003070016",
    "530302198511210026",
    "530402200002290131",
    "532301199406010241",
    "532503197809120378",
]
BODIES = st.builds(
    lambda place, born, order: f"{place}{born:%Y%m%d}{order:03d}",
    st.integers(110000, 829999),
    st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    st.integers(0, 999),
)


@pytest.mark.parametrize("number", VALID)
def test_published_identity_numbers_hold(number: str) -> None:
    assert identity_number(number) == number
    assert identity_number(f" {number.lower()} ") == number


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        ("530102199003070017", "check_digit"),
        ("53010219900307001X", "check_digit"),
        ("530102199002290018", "birth_date"),
        ("530102190002290011", "birth_date"),
        ("530102199013010016", "birth_date"),
        ("530102170003070016", "birth_date"),
        ("030102199003070016", "shape"),
        ("53010219900307O016", "shape"),
        ("5301021990030700166", "shape"),
        ("X30102199003070016", "shape"),
        ("", "shape"),
    ],
)
def test_an_impossible_identity_number_names_the_rule_alone(number: str, rule: str) -> None:
    with pytest.raises(IdentityNumberInvalid) as refused:
        identity_number(number)
    assert refused.value.rule == rule
    assert number == "" or number not in str(refused.value)


@given(BODIES)
def test_a_first_generation_number_is_the_one_that_replaced_it(body: str) -> None:
    born = int(body[6:10])
    number = body + check_character(body)
    assert identity_number(number) == number
    if born < 2000:
        assert identity_number(body[:6] + body[8:]) == number


@given(BODIES, st.sampled_from(["", "cn-", "身份证", "u:"]), st.sampled_from(["", "@x", " ", "-2"]))
def test_an_identity_number_is_seen_among_words(body: str, before: str, after: str) -> None:
    number = body + check_character(body)
    assert stands_in(f"{before}{number}{after}")
    assert stands_in(f"{before}{number.lower()}{after}")
    assert not stands_in(f"{before}{body}{after}")
    assert not stands_in(f"7{number}")
    assert not stands_in(f"{number}7")


@pytest.mark.parametrize(
    "text", ["", "yuxi-clerk", "01a21ba8-a84c-76ab-9c32-adb36781b91a", "13800138000", "9" * 18]
)
def test_an_account_that_is_none_is_no_identity_number(text: str) -> None:
    assert not stands_in(text)


@given(BODIES, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(body: str, place: int, by: int) -> None:
    wrong = body[:place] + str((int(body[place]) + by) % 10) + body[place + 1 :]
    with pytest.raises(IdentityNumberInvalid):
        identity_number(wrong + check_character(body))


@pytest.mark.parametrize(
    ("text", "format_", "level", "masked"),
    [
        ("S000053000123233000456", NumberFormat.SKILL_LEVEL, 4, "S00****************456"),
        ("y000153000001195000001", NumberFormat.SKILL_LEVEL, 2, "Y00****************001"),
        ("AB53000000000000000001", NumberFormat.SPECIAL_TECHNICIAN, None, "AB5****************001"),
        ("0953011223301234", NumberFormat.VOCATIONAL_QUALIFICATION, 4, "09************34"),
        ("T530102199003070016", NumberFormat.SPECIAL_OPERATION, None, "T******************"),
        ("530102199003070016", NumberFormat.OTHER, None, "******************"),
        ("证530102900307001号", NumberFormat.OTHER, None, "*****************"),
        ("S0003 23 0012", NumberFormat.OTHER, None, "S*********2"),
        ("2023—17", NumberFormat.OTHER, None, "2*****7"),
        ("A123", NumberFormat.OTHER, None, "****"),
    ],
)
def test_numbers_are_read_as_printed(
    text: str, format_: NumberFormat, level: int | None, masked: str
) -> None:
    number = certificate_number(text)
    assert (number.format, number.level, number.masked()) == (format_, level, masked)
    assert certificate_number(number.text) == number
    assert number.text not in repr(number)


@given(st.text())
def test_reading_a_number_never_fails_otherwise_and_never_shows_more_than_a_third(
    text: str,
) -> None:
    try:
        number = certificate_number(text)
    except NumberUnreadable:
        return
    masked = number.masked()
    assert len(masked) == len(number.text)
    assert 3 * sum(a != "*" for a in masked) <= len(masked) + 2 * text.count("*")


@given(BODIES, st.sampled_from(["{}", "T{}", "证{}号", "{}1", "9{}", "T{}-2"]))
def test_no_identity_number_shows_through_a_certificate_s(body: str, printed: str) -> None:
    number = body + check_character(body)
    masked = certificate_number(printed.format(number)).masked()
    assert set(masked) <= {"*", "T"}


@pytest.mark.parametrize(
    ("label", "level"),
    [
        ("学徒工", 1),
        ("初级工", 2),
        ("五级", 2),
        ("五级/初级工", 2),
        ("四级", 3),
        ("中级技能", 3),
        ("三级", 4),
        ("3级", 4),
        ("Ⅲ级", 4),
        ("高级工", 4),
        ("高级工/三级", 4),
        ("高级工（三级）", 4),
        ("国家职业资格三级（高级技能）", 4),
        ("职业技能等级 第三级", 4),
        ("技师", 5),
        ("二级 技师", 5),
        ("高级技师", 6),
        ("一级/高级技师", 6),
        ("特级技师", 7),
        ("首席技师", 8),
    ],
)
def test_printed_levels_have_one_ordinal(label: str, level: int) -> None:
    assert level_of(label) == level


@pytest.mark.parametrize("label", ["", "3", "三", "高级工程师", "三级/技师", "六级", "9级", "甲级"])
def test_what_names_no_level_or_two_is_refused(label: str) -> None:
    with pytest.raises(LevelUnknown):
        level_of(label)


def test_digests_hide_what_they_are_of_and_differ_by_secret_and_kind() -> None:
    number = certificate_number(LI_NA.operation_number)
    one = PEPPER.statement(number, LI_NA.name, LI_NA.identity)
    other = Pepper("another pepper of 32 characters…").statement(number, LI_NA.name, LI_NA.identity)
    digests = {one.number, one.holder, one.identity, other.number, other.holder, other.identity}
    assert len(digests) == 6
    assert {len(digest) for digest in digests} == {32}
    same = PEPPER.statement(
        certificate_number(f" {LI_NA.operation_number.lower()}"), " 李娜 样例", LI_NA.identity
    )
    assert same == one
    assert PEPPER.statement(number, WANG_WEI.name, LI_NA.identity).number == one.number
    assert LI_NA.name not in repr(PEPPER)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("阿依古丽·艾力", "阿依古丽•艾力"),
        ("阿依古丽·艾力", "阿依古丽．艾力"),
        ("John SMITH", "John Smith"),
        ("李 娜", "李娜"),
        ("ＬＩ ＮＡ", "li na"),
    ],
)
def test_names_have_one_spelling(one: str, other: str) -> None:
    assert holder(one) == holder(other)


def test_the_end_is_midnight_in_china() -> None:
    assert ends_at(date(2026, 12, 31)) == datetime(2026, 12, 31, 16, tzinfo=UTC)
    entry = an_entry(valid_until=date(2026, 12, 31))
    end = ends_at(date(2026, 12, 31))
    assert entry.verdict(end - timedelta(microseconds=1)) is Verdict.VALID
    assert entry.verdict(end) is Verdict.EXPIRED


def test_of_several_the_good_then_the_higher_then_the_longer_answers() -> None:
    revoked = an_entry(1, status=RegistryStatus.REVOKED, level=6)
    suspended = an_entry(2, status=RegistryStatus.SUSPENDED)
    low, high = an_entry(3, level=3), an_entry(4, level=5, valid_until=date(2027, 1, 1))
    longer, same = an_entry(5, level=5), an_entry(6, level=5)
    entries = [revoked, suspended, low, high, longer, same]
    for best in (longer, same, high, low):
        assert answer(entries, NOW) == (Verdict.VALID, best)
        entries.remove(best)
    assert answer(entries, NOW) == (Verdict.SUSPENDED, suspended)
    assert answer([revoked], NOW) == (Verdict.REVOKED, revoked)
    assert answer([], NOW) == (Verdict.NOT_FOUND, None)
    assert answer([low, longer], NOW, kept=low.entry_id) == (Verdict.VALID, low)
    assert answer([suspended, longer], NOW, kept=suspended.entry_id) == (Verdict.VALID, longer)
