"""A certificate counts in matches while, and only while, it is in force: on the running system."""

import time
from typing import Any

import pytest

from tests.flows.listening import Ear, Heard, listening
from tests.flows.people import WELDER, a_certificate, claim_of, someone
from tests.flows.system import System
from tests.flows.test_main_job import a_seeker, leaves, post

# Counties that no other test of flows uses.
COUNTIES = {"suspended": "530426", "review": "530427", "revoked": "530129"}
SECONDS = 20.0
"""Enough on a machine where much else runs; said by `slowest` where it fails."""


def proofs_of(match: dict[str, Any]) -> list[str]:
    """What the explanation says of the certificates it names, in Chinese."""
    return [leaf["text"]["zh"] for leaf in leaves(match["reason"]) if leaf["certificate_id"]]


class Watched:
    """What a seeker hears of two postings: one that anybody may take, one for certified welders."""

    def __init__(self, ear: Ear, open_to_all: str, behind_it: str) -> None:
        self.ear, self.open_to_all, self.behind_it = ear, open_to_all, behind_it
        self.slowest = 0.0

    @property
    def last(self) -> int:
        return self.ear.heard[-1]["seq"] if self.ear.heard else 0

    async def next_of(self, posting_id: str, after: int, kind: str | None = None) -> Heard:
        """The next that is said of it. after: a seq."""
        began = time.monotonic()
        heard = await self.ear.hears(
            lambda e: (
                e["posting_id"] == posting_id
                and e["seq"] > after
                and (kind is None or e["kind"] == kind)
            ),
            SECONDS,
        )
        self.slowest = max(self.slowest, time.monotonic() - began)
        return heard

    async def counts(self, after: int, worse: Heard) -> Heard:
        """The posting behind the certificate is there, the other one better than before."""
        found = await self.next_of(self.behind_it, after, "found")
        better = await self.next_of(self.open_to_all, after)
        assert better["match"]["score_ppm"] > worse["match"]["score_ppm"]
        for heard in (found, better):
            (proof,) = proofs_of(heard["match"])
            assert "焊工（高级工）" in proof
        return better

    async def counts_no_more(self, after: int, better: Heard, before: Heard) -> Heard:
        """The posting behind it is gone, the other as it was before; no certificate is named."""
        await self.next_of(self.behind_it, after, "withdrawn")
        worse = await self.next_of(self.open_to_all, after)
        assert worse["match"]["score_ppm"] == before["match"]["score_ppm"]
        assert worse["match"]["score_ppm"] < better["match"]["score_ppm"]
        assert proofs_of(worse["match"]) == []
        return worse


@pytest.mark.parametrize(
    ("how", "ends", "returns"),
    [
        ("suspended", {"status": "suspended"}, {"status": "in_force"}),
        # Due since long ago, and then reviewed: by the clock's rule, not by the issuer's word.
        ("review", {"review_due": "2025-01-31"}, {"reviewed_on": "2026-01-15"}),
    ],
)
async def test_it_counts_again_once_it_is_in_force_again(
    system: System, how: str, ends: dict[str, Any], returns: dict[str, Any]
) -> None:
    county = COUNTIES[how]
    certificate = a_certificate(300 + len(how))
    if how == "review":
        certificate |= {"kind": "special-operation", "valid_until": "2029-05-19"}
        certificate |= {"review_due": "2028-05-20"}
    await system.register([certificate])
    seeker, seeker_id = await a_seeker(system, counties=[county])
    async with listening(system, seeker, seeker_id) as ear:
        watched = await two_postings(system, ear, county)
        first = await watched.next_of(watched.open_to_all, 0)
        assert proofs_of(first["match"]) == []
        after = watched.last
        claim = await system.call(
            "POST", "certificates", "/v1/claims", seeker, body=claim_of(certificate), status=201
        )
        assert claim.json()["status"] == "verified", claim.text
        better = await watched.counts(after, first)
        after = watched.last
        await system.register([certificate | ends])
        worse = await watched.counts_no_more(after, better, first)
        after = watched.last
        await system.register([certificate | returns])
        again = await watched.counts(after, worse)
        assert again["match"]["score_ppm"] == better["match"]["score_ppm"]
        after = watched.last
        await system.register([certificate | {"status": "revoked"}])
        await watched.counts_no_more(after, again, first)
    assert watched.slowest < SECONDS


async def test_who_never_held_it_gains_nothing(system: System) -> None:
    """A claim with the wrong name is rejected, and no match ever names the certificate."""
    county = COUNTIES["revoked"]
    certificate = a_certificate(350)
    await system.register([certificate])
    seeker, seeker_id = await a_seeker(system, counties=[county])
    async with listening(system, seeker, seeker_id) as ear:
        watched = await two_postings(system, ear, county)
        await watched.next_of(watched.open_to_all, 0)
        body = claim_of(certificate) | {"holder_name": "样例旁人"}
        claim = await system.call(
            "POST", "certificates", "/v1/claims", seeker, body=body, status=201
        )
        assert (claim.json()["status"], claim.json()["reason"]) == ("rejected", "not-found")
        await system.at_rest()
        assert [e["posting_id"] for e in ear.heard] == [watched.open_to_all]


async def two_postings(system: System, ear: Ear, county: str) -> Watched:
    employer = someone("employer")
    wished = {"occupation": WELDER, "level": 3, "required": False}
    wanted = {"occupation": WELDER, "level": 3, "required": True}
    open_to_all = await post(system, employer, county=county, certificates=[wished])
    behind_it = await post(system, employer, county=county, certificates=[wanted])
    return Watched(ear, open_to_all["posting_id"], behind_it["posting_id"])
