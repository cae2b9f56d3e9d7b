"""Callers and documents of the flows: plainly samples, as the doors take them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

WELDER = "6-18-02-04"

# Counties that the sample market leaves alone: one for each test, whose few documents then do not
# have to outdo those of the others for a place among somebody's best.
PINGBIAN, YUANYANG, HONGHE, JINPING, LYUCHUN, HEKOU = (
    "532523",
    "532528",
    "532529",
    "532530",
    "532531",
    "532532",
)
_NAME = "样例求职者"


def someone(role: str) -> tuple[str, str]:
    """A caller nobody else is."""
    return role, f"{role}-{uuid4().hex[:12]}"


def a_posting(**changes: Any) -> dict[str, Any]:
    return {
        "title": "氩弧焊工",
        "text": "按图纸完成压力管道焊接，检查焊缝质量并做好记录。",
        "occupation": WELDER,
        "county": "530102",
        "pay": {"min": 7000, "max": 9500, "unit": "month"},
        "skills": [{"name": "氩弧焊"}, {"name": "识图", "required": False}],
        "valid_until": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        **changes,
    }


def a_profile(**work: Any) -> dict[str, Any]:
    return {
        "person": {"name": _NAME, "phone": "19900000001"},
        "work": {
            "titles": ["氩弧焊工"],
            "text": "5年压力管道焊接经验，会看图纸。",
            "occupations": [WELDER],
            "skills": ["氩弧焊", "管道焊接"],
            "experience_years": 5,
            "counties": ["530102", "530100"],
            **work,
        },
    }


def a_certificate(number: int, **changes: Any) -> dict[str, Any]:
    """A line of the registry; `number` makes holder and certificate its own."""
    return {
        "number": f"S0000539900012430{number:05d}",
        "holder_name": _NAME,
        "identity_number": identity_number(number),
        "occupation": WELDER,
        "level": 4,
        "name": "焊工（高级工）",
        "issuer": "sample-yunnan-01",
        "issued_on": "2024-05-20",
        "status": "in_force",
        **changes,
    }


def claim_of(certificate: dict[str, Any]) -> dict[str, Any]:
    return {name: certificate[name] for name in ("number", "holder_name", "identity_number")}


def identity_number(number: int) -> str:
    """GB 11643-1999 check digit, in an area that does not exist (999999)."""
    body = f"9999991990{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]
