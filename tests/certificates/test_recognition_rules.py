"""The recognition table: which line decides, and when."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.certificates.domain.recognition import Foreign, Recognition, Standing, standing
from tests.certificates.samples import ELECTRICIAN, ISSUER, WELDER

DAY = date(2026, 3, 1)
WELDING = Foreign("qujing", ISSUER, WELDER, 4, "高级工")


def a_line(**changes: Any) -> Recognition:
    said: dict[str, Any] = {
        "city": "qujing",
        "issuer": None,
        "occupation": None,
        "level": None,
        "label": None,
        "counts_as": 3,
        "from_day": date(2026, 1, 1),
        **changes,
    }
    return Recognition(**said)


def counts(*lines: Recognition, of: Foreign = WELDING, day: date = DAY) -> Standing:
    answers = {standing(order, of, day) for order in (lines, lines[::-1])}
    (answer,) = answers
    return answer


def test_where_nothing_is_said_it_counts_as_it_is() -> None:
    assert counts() == Standing(4, recognised=True)
    assert counts(a_line(city="yuxi")) == Standing(4, recognised=True)


def test_a_level_counts_as_another_or_not_at_all() -> None:
    assert counts(a_line(level=4)) == Standing(3, recognised=True)
    assert counts(a_line(counts_as=None)) == Standing(4, recognised=False)


@pytest.mark.parametrize(
    "other",
    [
        {"city": "yuxi"},
        {"issuer": "S000053000999"},
        {"occupation": ELECTRICIAN},
        {"level": 5},
        {"label": "三级"},
    ],
)
def test_a_line_holds_only_where_all_its_conditions_do(other: dict[str, Any]) -> None:
    assert counts(a_line(**other)) == Standing(4, recognised=True)


@pytest.mark.parametrize(
    "wider",
    [
        {},
        {"level": 4},
        {"label": "高级工"},
        {"occupation": WELDER},
        {"occupation": WELDER, "level": 4, "label": "高级工"},
    ],
)
def test_the_issuers_line_comes_before_the_citys(wider: dict[str, Any]) -> None:
    narrow = a_line(city=None, issuer=ISSUER, counts_as=2)
    assert counts(a_line(**wider, counts_as=1), narrow) == Standing(2, recognised=True)


def test_the_line_that_says_more_comes_first() -> None:
    lines = [
        a_line(counts_as=1),
        a_line(level=4, counts_as=2),
        a_line(label="高级工", counts_as=3),
        a_line(occupation=WELDER, counts_as=5),
    ]
    for end in (1, 2, 3, 4):
        assert counts(*lines[:end]).level == lines[end - 1].counts_as


def test_lines_begin_and_end_with_their_days_and_the_later_replaces() -> None:
    first = a_line(counts_as=1, from_day=DAY, until=DAY + timedelta(days=2))
    later = a_line(counts_as=2, from_day=DAY + timedelta(days=1))
    levels = [counts(first, later, day=DAY + timedelta(days=n)).level for n in (-1, 0, 1, 3)]
    assert levels == [4, 1, 2, 2]
    assert counts(first, day=DAY + timedelta(days=3)).level == 4
