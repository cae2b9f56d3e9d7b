"""A city that runs something else: a small server with plain JSON, and its entry in the table."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from tests.certificates.samples import LI_NA, WELDER, Person
from tests.kit.door import served

MAPPING: dict[str, Any] = {
    "path": "/lookup",
    "request": {"zsbh": "number", "xm": "holder_name", "sfzh": "identity_number"},
    "verdict": "/data/state",
    "verdicts": {
        "1": "valid",
        "2": "revoked",
        "3": "suspended",
        "4": "holder-mismatch",
        "0": "not-found",
    },
    "certificate": {
        "occupation": "/data/cert/job",
        "level": "/data/cert/level",
        "name": "/data/cert/title",
        "issuer": "/data/cert/org",
        "issued_on": "/data/cert/date",
        "valid_until": "/data/cert/until",
    },
}

PLAIN_NUMBER = "2353040123412345"
"""An old number: of province 53, city 04."""


def a_plain_certificate(person: Person = LI_NA, **changes: Any) -> dict[str, Any]:
    """What that city has of a person."""
    return {
        "xm": person.name,
        "sfzh": person.identity,
        "state": 1,
        "job": WELDER,
        "level": "高级工",
        "title": "焊工",
        "org": "YX-7",
        "date": "2023-06-30",
        "until": None,
        **changes,
    }


@dataclass
class PlainCity:
    """Answers what it knows by number. asked: the bodies that came, and the headers."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.headers.append({k.decode(): v.decode() for k, v in scope["headers"]})
        self.asked.append(json.loads(body))
        answer = json.dumps({"data": self._answer(self.asked[-1])}).encode()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        cert = self.known.get(asked["zsbh"])
        if cert is None:
            return {"state": 0}
        if (cert["xm"], cert["sfzh"]) != (asked["xm"], asked["sfzh"]):
            return {"state": 4}
        return {"state": cert["state"], "cert": cert}

    def entry(self, **changes: Any) -> dict[str, Any]:
        """How an operator registers it."""
        return {
            "name": "玉溪",
            "base_url": self.url,
            "divisions": ["530400"],
            "adapter": "http-json",
            "mapping": MAPPING,
            "trusted_unsigned": True,
            **changes,
        }


@asynccontextmanager
async def a_plain_city() -> AsyncIterator[PlainCity]:
    """The city, listening."""
    city = PlainCity()
    async with served(city) as url:
        city.url = url
        yield city
