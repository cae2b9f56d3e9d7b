"""Two cities as two real deployments: a process, a database, a secret and keys each, and a link.

Kunming asks, and knows Qujing by the link alone; Qujing knows Kunming, and a third city whose key
the tests hold.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.certificates.domain.keys import SigningKey, jwk
from tests.certificates.conftest import CLAIMS, IMPORT
from tests.certificates.link import Link, a_link
from tests.certificates.samples import LI_NA, Person, a_line, a_statement
from tests.kit.bus import until
from tests.kit.door import AUDIENCE, ISSUER, Issuer
from tests.support import Running, running

VERIFICATIONS = "/v1/verifications"
THIRD_KEY = SigningKey.of(b"third city's key, held by tests.."[:32])
PEPPERS = {
    "kunming": "the pepper of Kunming in the tests of two cities",
    "qujing": "another pepper, of Qujing, in the tests of two cities",
}


def a_number_of_qujing(n: int) -> str:
    """An old number, of the place 5303."""
    return f"23530301233{n:05d}"


@dataclass
class City:
    """A deployment, and short ways to say what most tests do."""

    city_id: str
    database_url: str
    environment: dict[str, str]
    issuer: Issuer
    process: Running = field(init=False)
    client: httpx.AsyncClient = field(init=False)

    async def call(
        self, role: str, subject: str, method: str, path: str, **request: Any
    ) -> httpx.Response:
        """Call as whoever is named."""
        token = self.issuer.token(sub=subject, role=role)
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        return await self.client.request(
            method, path, headers={**headers, **request.pop("headers", {})}, **request
        )

    async def bring(self, *lines: dict[str, Any]) -> None:
        """Have these certificates registered."""
        body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await self.call("operator", "op-1", "POST", IMPORT, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejected"] == 0, answer.text

    async def verify(self, person: Person = LI_NA, **stated: Any) -> dict[str, Any]:
        """What a clerk is told who was shown a certificate."""
        question = {**a_statement(person, **stated), "purpose": "inspection"}
        answer = await self.call("partner", "desk-3", "POST", VERIFICATIONS, json=question)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def kept(self, receipt_no: str) -> dict[str, Any]:
        """The verification of that receipt number."""
        answer = await self.call("partner", "desk-3", "GET", f"{VERIFICATIONS}/{receipt_no}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def resolved(self, receipt_no: str) -> dict[str, Any]:
        """The verification that takes the place of a pending one, once there is one."""

        async def is_superseded() -> bool:
            return (await self.kept(receipt_no))["superseded_by"] is not None

        await until(is_superseded, 20)
        return await self.kept((await self.kept(receipt_no))["superseded_by"])

    async def claim(self, person: Person = LI_NA, **stated: Any) -> dict[str, Any]:
        """Claim as the person."""
        answer = await self.call(
            "seeker", person.subject, "POST", CLAIMS, json=a_statement(person, **stated)
        )
        assert answer.status_code in (200, 201), answer.text
        claim: dict[str, Any] = answer.json()
        return claim

    async def claimed(self, claim_id: str, person: Person = LI_NA) -> dict[str, Any]:
        """The claim as it stands."""
        items = (await self.call("seeker", person.subject, "GET", CLAIMS)).json()["items"]
        found: dict[str, Any] = next(item for item in items if item["claim_id"] == claim_id)
        return found

    async def becomes(self, claim_id: str, status: str, person: Person = LI_NA) -> dict[str, Any]:
        """The claim, once it has that status."""

        async def has_become() -> bool:
            return bool((await self.claimed(claim_id, person))["status"] == status)

        await until(has_become, 20)
        return await self.claimed(claim_id, person)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What it logged of that kind."""
        lines = [json.loads(line) for line in self.process.log]
        return [line for line in lines if line.get("event") == event]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["City"]:
        """As a process, until the block ends."""
        async with running("certificates", **self.environment) as self.process:
            await self.process.ready()
            async with httpx.AsyncClient(
                base_url=self.process.url, timeout=30, trust_env=False
            ) as self.client:
                yield self


@dataclass
class Cities:
    """Both, and what lies between them."""

    kunming: City
    qujing: City
    link: Link


def environment_of(
    city_id: str, database_url: str, kafka: str, issuer_at: tuple[Issuer, str], **more: str
) -> City:
    """A city that is not running yet."""
    environment = {
        "RENGANG_DATABASE_URL": database_url,
        "RENGANG_KAFKA": kafka,
        "RENGANG_JWKS_URL": issuer_at[1],
        "RENGANG_ISSUER": ISSUER,
        "RENGANG_AUDIENCE": AUDIENCE,
        "RENGANG_LOG_LEVEL": "DEBUG",
        "CERTIFICATES_PEPPER": PEPPERS[city_id],
        "CERTIFICATES_CITY_ID": city_id,
        "CERTIFICATES_CITIES_PRIVATE": "true",
        "CERTIFICATES_CITY_TIMEOUT_S": "1",
        "CERTIFICATES_CITY_FRESH_S": "0",
        "CERTIFICATES_CITY_LISTS_INTERVAL_S": "0.3",
        "CERTIFICATES_CITY_RETRY_S": "0.3",
        "CERTIFICATES_UNSIGNED_IMPORTS": "true",
        **more,
    }
    return City(city_id, database_url, environment, issuer_at[0])


@asynccontextmanager
async def two_cities(
    databases: Callable[[str], Awaitable[str]], kafka: str, issuer_at: tuple[Issuer, str]
) -> AsyncIterator[Cities]:
    """Both running and registered with each other. databases: makes one for a service."""
    async with a_link() as link:
        qujing = environment_of(
            "qujing",
            await databases("certificates"),
            kafka,
            issuer_at,
            CERTIFICATES_PUBLIC_URL=link.url,
        )
        kunming = environment_of("kunming", await databases("certificates"), kafka, issuer_at)
        async with qujing.running(), kunming.running():
            link.target = qujing.process.url
            await introduce(kunming, qujing, link)
            yield Cities(kunming, qujing, link)


async def introduce(kunming: City, qujing: City, link: Link) -> None:
    """Each registers the other."""
    for city, peer, url, division in (
        (kunming, "qujing", link.url, "530300"),
        (qujing, "kunming", kunming.process.url, "530100"),
    ):
        said = {
            "name": peer,
            "base_url": url,
            "divisions": [division],
            "jwks_url": f"{url}/.well-known/jwks.json",
        }
        answer = await city.call("operator", "op-1", "PUT", f"/v1/cities/{peer}", json=said)
        assert answer.status_code in (200, 201), answer.text
    third = {
        "name": "third",
        "base_url": "https://third.example",
        "divisions": ["510000"],
        "jwks": {"keys": [jwk(THIRD_KEY.public)]},
    }
    answer = await qujing.call("operator", "op-1", "PUT", "/v1/cities/third", json=third)
    assert answer.status_code in (200, 201), answer.text


def a_line_of_qujing(n: int, person: Person = LI_NA, **changes: Any) -> dict[str, Any]:
    """A certificate that Qujing's registry has."""
    return a_line(person, number=a_number_of_qujing(n), issuer="QJ-17", **changes)
