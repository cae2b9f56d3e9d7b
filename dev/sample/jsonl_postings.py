"""Adapter: postings as job boards export them (JSONL) → lines for `./rengang import postings`.

    python -m dev.sample.jsonl_postings FILE | ./rengang import postings - --employer board

Read: id, title, text, skills, salary [low, high] CNY/month, education_code (2 大专 … 5 博士),
experience ("不限", "3-5年"), headcount. What such an export does not say (the county) is dealt out
in turn over the region.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.values import Education
from contracts.vocabulary.counties import places

_EDUCATION = {
    2: Education.ASSOCIATE,
    3: Education.BACHELOR,
    4: Education.MASTER,
    5: Education.DOCTOR,
}
_COUNTIES = [place.code for place in places() if place.in_circle and not place.code.endswith("00")]
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LONGEST = {"title": 100, "text": 8000, "skill": 50}


def adapt(rows: Iterable[dict[str, Any]], *, now: datetime) -> Iterator[dict[str, Any]]:
    """One import line a row. Rows without a salary are left out: pay is mandatory."""
    for number, row in enumerate(rows):
        if not row.get("salary"):
            continue
        low, high = row["salary"]
        skills = dict.fromkeys(_clean(name, "skill") for name in row.get("skills", ()))
        years = re.match(r"\d+", str(row.get("experience", "")))
        yield {
            "reference": str(row["id"]),
            "title": _clean(row["title"], "title"),
            "text": _clean(row.get("text", ""), "text"),
            "county": _COUNTIES[number % len(_COUNTIES)],
            "pay": {"min": low, "max": max(low, high), "unit": "month"},
            "headcount": max(1, row.get("headcount") or 1),
            "skills": [{"name": name, "required": False} for name in skills if name][:50],
            "education": _EDUCATION.get(row.get("education_code", 0)),
            "experience_years": int(years.group()) if years else 0,
            "valid_until": (now + timedelta(days=90)).isoformat(timespec="seconds"),
        }


def _clean(text: str, what: str) -> str:
    return _CONTROL.sub(" ", text).strip()[: _LONGEST[what]]


def main() -> int:
    """Command line: the file to read; NDJSON on standard output."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m dev.sample.jsonl_postings FILE\n")
        return 2
    with open(sys.argv[1], encoding="utf-8") as lines:  # noqa: PTH123 (also /dev/stdin)
        for line in adapt(map(json.loads, lines), now=datetime.now(UTC)):
            print(json.dumps(line, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
