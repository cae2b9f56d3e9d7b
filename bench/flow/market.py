"""The population of the measurement: sample seekers and postings, and probes among them.

A probe is a seeker who listens, and an employer whose postings fit that seeker better than any
other. How they are brought to the doors does not live here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from contracts.values import SeekerId, seeker_id_of
from contracts.vocabulary.counties import places
from dev.sample import generate
from dev.sample.trades import TRADES, Trade

Line = dict[str, Any]

OPEN_POSTINGS_EACH = 15
"""Postings a probe may have open at once: all must be among its seeker's best, of 20."""

_PROBE = "flow-probe-"
_NAME = "样例求职者"
_ENDLESS = 1 << 40


@dataclass(frozen=True, slots=True)
class Probe:
    """A seeker who listens, in a trade and a county of its own. number: from 0."""

    number: int
    trade: Trade
    county: str

    @property
    def account(self) -> str:
        """Of the seeker; also the employer whose postings are for this probe."""
        return f"{_PROBE}{self.number:04d}"

    @property
    def seeker_id(self) -> SeekerId:
        return seeker_id_of(self.account)

    def profile(self) -> Line:
        """A line of `/v1/seekers/import`."""
        return {
            "account": self.account,
            "person": {"name": _NAME, "phone": f"1990000{self.number % 10000:04d}"},
            "work": {
                "titles": [self.trade.titles[0]],
                "text": self._text,
                "occupations": [self.trade.occupation],
                "skills": self._skills,
                "education": 5,
                "experience_years": 10,
                "counties": [self.county],
            },
        }

    def posting(self, now: datetime) -> bytes:
        """A body of `POST /v1/postings` that says what the seeker says."""
        low, high = self.trade.pay
        return orjson.dumps(
            {
                "title": self.trade.titles[0],
                "text": self._text,
                "occupation": self.trade.occupation,
                "county": self.county,
                "pay": {"min": low, "max": high, "unit": "month"},
                "skills": [{"name": name} for name in self._skills],
                "valid_until": (now + timedelta(days=60)).isoformat(timespec="seconds"),
            }
        )

    @property
    def _text(self) -> str:
        return f"{'；'.join(self.trade.duties)}。"

    @property
    def _skills(self) -> list[str]:
        return list(self.trade.skills[:4])


def probes(count: int) -> list[Probe]:
    """So many probes, no two of one trade in one county. Raises ValueError above what there is."""
    counties = [one.code for one in places() if one.in_circle and not one.code.endswith("00")]
    if count > len(TRADES) * len(counties):
        raise ValueError(f"no {count} probes: {len(TRADES)} trades in {len(counties)} counties")
    return [
        Probe(
            number,
            TRADES[number % len(TRADES)],
            # Spread over the counties, and another one each time round the trades.
            counties[(number % len(TRADES) * 5 + number // len(TRADES)) % len(counties)],
        )
        for number in range(count)
    ]


def seekers(count: int, probing: list[Probe], *, seed: int) -> list[bytes]:
    """Lines of `/v1/seekers/import`: the sample's seekers, then the probes'."""
    lines = [orjson.dumps(line) for line in generate.seekers(count, seed=seed)]
    return lines + [orjson.dumps(probe.profile()) for probe in probing]


def postings(count: int, *, seed: int) -> list[bytes]:
    """Lines of `/v1/postings/import`."""
    return [orjson.dumps(line) for line in generate.postings(count, seed=seed)]


def new_postings(*, seed: int, now: datetime | None = None) -> Iterator[bytes]:
    """Bodies of `POST /v1/postings` without end, none of them in `postings` of that seed."""
    for line in generate.postings(_ENDLESS, seed=seed + 1_000_003, now=now or datetime.now(UTC)):
        del line["reference"]
        yield orjson.dumps(line)


def accounts(count: int) -> list[str]:
    """Of the sample's seekers."""
    return [generate.account(number) for number in range(1, count + 1)]
