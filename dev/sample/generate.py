"""Generates the sample market from a seed: the same seed gives the same market.

Postings, seekers and registry lines come as the import doors take them (one JSON object each).
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from contracts.values import CERTIFICATE_LEVELS
from contracts.vocabulary.counties import places
from contracts.vocabulary.occupations import occupation_name
from dev.sample.trades import TRADES, Trade

Line = dict[str, Any]

_COUNTIES = [place.code for place in places() if place.in_circle and not place.code.endswith("00")]
# 昆明's districts hold about half of the circle's jobs.
_COUNTY_WEIGHTS = [6 if code.startswith("5301") else 1 for code in _COUNTIES]
_WELFARE = ["五险一金", "包吃住", "双休", "带薪年假", "节日福利", "全勤奖", "年底双薪", "提供宿舍"]
_MANNERS = ["吃苦耐劳", "责任心强", "服从安排", "有团队精神", "能适应倒班", "沟通能力好"]

ISSUER = "sample-yunnan-01"
_NAME = "样例求职者"


def postings(count: int, *, seed: int = 1, now: datetime | None = None) -> Iterator[Line]:
    """Lines for `/v1/postings/import`."""
    draw = random.Random(f"postings-{seed}")  # noqa: S311 (sample data, not secrets)
    now = now or datetime.now(UTC)
    for number in range(1, count + 1):
        yield _posting(draw, number, now)


def _posting(draw: random.Random, number: int, now: datetime) -> Line:
    trade = _trade(draw)
    title = draw.choice(trade.titles)
    low = _pay_from(draw, trade)
    years = draw.choice((0, 0, 0, 1, 1, 2, 3, 5))
    skills = _some(draw, trade.skills, 2, 5)
    unit, divisor = draw.choices((("month", 1), ("day", 22), ("hour", 174)), (20, 2, 1))[0]
    low_in_unit = max(10, low // divisor)
    employment = {"month": "full_time", "day": "temporary", "hour": "part_time"}[unit]
    duties = "；".join(_some(draw, trade.duties, 1, 3))
    asks = "，".join(
        [f"{years}年以上相关经验" if years else "经验不限", *_some(draw, _MANNERS, 1, 2)]
    )
    welfare = "、".join(_some(draw, _WELFARE, 1, 3))
    certificates = []
    if trade.levels and (trade.must or draw.random() < 0.3):
        level = draw.choice(trade.levels[:2])
        required = trade.must and draw.random() < 0.6
        certificates = [{"occupation": trade.occupation, "level": level, "required": required}]
    return {
        "reference": f"sample-{number:06d}",
        "title": title,
        "text": f"岗位职责：{duties}。任职要求：{asks}。福利：{welfare}。",
        "occupation": trade.occupation if draw.random() < 0.9 else None,
        "county": _county(draw),
        "remote": trade.occupation.startswith("4-04-05") and draw.random() < 0.2,
        "pay": {
            "min": low_in_unit,
            "max": low_in_unit * draw.randint(11, 15) // 10 + 1,
            "unit": unit,
        },
        "headcount": draw.choice((1, 1, 1, 2, 2, 3, 5, 10)),
        "employment": employment,
        "skills": [{"name": name, "required": n < 2} for n, name in enumerate(skills)],
        "certificates": certificates,
        "education": draw.choice((None, trade.education[0])),
        "experience_years": years,
        "valid_until": (now + timedelta(days=draw.randint(20, 90))).isoformat(timespec="seconds"),
    }


def seekers(count: int, *, seed: int = 1) -> Iterator[Line]:
    """Lines for `/v1/seekers/import`. Name and numbers are plainly samples."""
    for number in range(1, count + 1):
        yield _seeker(number, seed)


def _draw_seeker(number: int, seed: int) -> tuple[random.Random, Trade]:
    # A seeker is drawn from its number alone, so that registry lines can name the same person.
    draw = random.Random(f"seeker-{seed}-{number}")  # noqa: S311
    # The first is a welder, for the tour of the README.
    return draw, TRADES[0] if number == 1 else _trade(draw)


def _seeker(number: int, seed: int) -> Line:
    draw, trade = _draw_seeker(number, seed)
    years = min(30, int(draw.expovariate(1 / 5)))
    titles = _some(draw, trade.titles, 1, 2)
    skills = _some(draw, trade.skills, 2, 5)
    if draw.random() < 0.3:
        skills = [*skills, draw.choice(_trade(draw).skills)]
    home = _county(draw)
    places_ok = [home]
    if draw.random() < 0.7:
        places_ok.append(home[:4] + "00")
    if draw.random() < 0.25 and not home.startswith("5301"):
        places_ok.append("530100")
    duties = "；".join(_some(draw, trade.duties, 1, 2))
    return {
        "account": account(number),
        "person": {"name": _NAME, "phone": f"1990000{number % 10000:04d}"},
        "work": {
            "titles": titles,
            "text": f"{years}年{titles[0]}经验。{duties}。"
            if years
            else f"想找{titles[0]}的工作。",
            "occupations": [trade.occupation] if draw.random() < 0.8 else [],
            "skills": list(dict.fromkeys(skills)),
            "education": draw.randint(*trade.education),
            "experience_years": years,
            "counties": places_ok,
            "remote_ok": draw.random() < 0.2,
            "pay_floor": (
                {"amount": _pay_from(draw, trade) * 8 // 10, "unit": "month"}
                if draw.random() < 0.7
                else None
            ),
            "employment": draw.choice(([], ["full_time"], ["full_time", "temporary"])),
            "commute": draw.random() < 0.3,
        },
    }


def issuer() -> Line:
    """The body of `PUT /v1/issuers/{code}`, with its code: who issued all of the certificates."""
    return {
        "code": ISSUER,
        "name": "样例职业技能评价中心",
        "province": "53",
        "cities": ["530100"],
        "bases": ["样例备案"],
        "recognised_by": ["样例认可机关"],
        "upload_lag_days": 3,
    }


def certificates(count: int, *, seed: int = 1) -> Iterator[Line]:
    """Lines for `/v1/registry/imports`: about every second of `count` seekers holds one."""
    for number in range(1, count + 1):
        line = certificate_of(number, seed=seed)
        if line is not None:
            yield line


def certificate_of(number: int, *, seed: int = 1) -> Line | None:
    """The certificate that seeker `number` holds, if any; the first one always does."""
    _, trade = _draw_seeker(number, seed)
    draw = random.Random(f"certificate-{seed}-{number}")  # noqa: S311
    if not trade.levels or (number != 1 and draw.random() < 0.5):
        return None
    level = 4 if number == 1 else draw.choice(trade.levels)
    issued = date(2024, 1, 1) + timedelta(days=draw.randint(0, 700))
    # Skill-level certificate numbers hold the old code of the level, which runs down: 5 is lowest.
    old_code = max(1, 7 - level)
    return {
        "number": f"S000053990001{issued:%y}{old_code}{number:06d}",
        "holder_name": _NAME,
        "identity_number": identity_number(number),
        "occupation": trade.occupation,
        "level": level,
        "name": f"{occupation_name(trade.occupation)}（{CERTIFICATE_LEVELS[level]}）",
        "issuer": ISSUER,
        "issued_on": issued.isoformat(),
        "valid_until": None,
        "status": "in_force",
    }


def account(number: int) -> str:
    """The account of sample seeker `number`."""
    return f"sample-{number:05d}"


def identity_number(number: int) -> str:
    """A number with a right check digit (GB 11643-1999) in an area that does not exist (999999)."""
    body = f"9999991990{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def firm(number: int) -> str:
    """The account of a sample firm."""
    return f"sample-firm-{number}"


def _trade(draw: random.Random) -> Trade:
    return draw.choices(TRADES, [trade.weight for trade in TRADES])[0]


def _county(draw: random.Random) -> str:
    return draw.choices(_COUNTIES, _COUNTY_WEIGHTS)[0]


def _pay_from(draw: random.Random, trade: Trade) -> int:
    low, high = trade.pay
    return draw.randrange(low, (low + high) // 2, 100)


def _some(draw: random.Random, of: tuple[str, ...] | list[str], least: int, most: int) -> list[str]:
    return draw.sample(list(of), min(len(of), draw.randint(least, most)))
