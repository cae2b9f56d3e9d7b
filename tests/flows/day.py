"""A day at the certificates' doors: all that is asked and brought, right, wrong, and in odd places.

What must not be left behind by it stands in the test.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dev import signed_files
from tests.certificates.link import Link
from tests.flows.people import WELDER
from tests.flows.system import OPERATOR, System
from tests.kit.bus import until
from tests.support import Running, running

Who = tuple[str, str]

DESK: Who = ("partner", "desk-of-the-day")
VERIFICATIONS = "/v1/verifications"
TABLE = "/v1/verifications/table"
OURS, THEIRS = "S000053990077", "QJ-77"
PEPPER = "the pepper of the second city, on a day of everything"


def identity(body: str) -> str:
    """With its check character (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


# Nobody's: there is no area 999999. Of such a shape that they stand nowhere by chance.
HOLDER, HOLDER_ID = "探针持证样例人", identity("99999919770911837")
OTHER, OTHER_ID = "探针旁人样例者", identity("99999919860423591")
THIRD, THIRD_ID = "探针外市样例客", identity("99999919931117263")
NUMBER, REVOKED = f"{OURS}233871265", f"{OURS}233871926"
ODD_NUMBER = "探针字第87126543号"
OPERATION = f"T{HOLDER_ID}"
OF_QUJING, WAITING = "2353030777387126", "2353030777387219"
UNKNOWN = f"{OURS}233879998"
NOBODYS = "S000099990099233876543"

SECRETS: Mapping[str, str] = {
    "the holder's name": HOLDER,
    "the other's name": OTHER,
    "the third's name": THIRD,
    "the holder's identity number": HOLDER_ID,
    "the other's identity number": OTHER_ID,
    "the third's identity number": THIRD_ID,
    "a number": NUMBER,
    "a revoked number": REVOKED,
    "an odd number": ODD_NUMBER,
    "a special-operation number": OPERATION,
    "another city's number": OF_QUJING,
    "a number that waited": WAITING,
    "an unknown number": UNKNOWN,
    "a number of nobody's": NOBODYS,
    "the other city's pepper": PEPPER,
}


def asked(number: str = NUMBER, name: str = HOLDER, who: str = HOLDER_ID) -> dict[str, Any]:
    """A certificate as it is shown."""
    return {"number": number, "holder_name": name, "identity_number": who}


def said(number: str, name: str = HOLDER, who: str = HOLDER_ID, **more: Any) -> dict[str, Any]:
    """A line of a file."""
    return {
        **asked(number, name, who),
        "occupation": WELDER,
        "level": 4,
        "name": "焊工（高级工）",
        "issuer": OURS,
        "issued_on": "2023-06-30",
        "status": "in_force",
        **more,
    }


@dataclass
class Day:
    """Calls both cities, and keeps every answer. answers: head and body, by what was called."""

    system: System
    city: Running
    link: Link
    http: httpx.AsyncClient
    answers: dict[str, bytes] = field(default_factory=dict)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    async def call(
        self, who: Who | None, method: str, path: str, *, there: bool = False, **request: Any
    ) -> httpx.Response:
        """As somebody, at our certificates door, or at the other city's."""
        url = self.city.url if there else self.system.url("certificates")
        headers = {
            **({} if who is None else self.system.headers(who)),
            **request.pop("headers", {}),
        }
        answer = await self.http.request(method, url + path, headers=headers, **request)
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.answers[f"answer {len(self.answers)}"] = head.encode() + b"\n\n" + answer.content
        return answer

    async def bring(
        self,
        file: bytes,
        *,
        media_type: str = signed_files.NDJSON,
        content_type: str | None = None,
        there: bool = False,
    ) -> dict[str, Any]:
        """Import a file, signed; returns the report, whatever it says of the lines."""
        issuer = THEIRS if there else OURS
        facts = signed_files.facts_of(BytesIO(file), media_type)
        jws = signed_files.sign(self.key, issuer, facts, uuid4(), int(time.time()))
        headers = {signed_files.HEADER: jws, "Content-Type": content_type or media_type}
        answer = await self.call(
            DESK, "POST", "/v1/registry/imports", there=there, content=file, headers=headers
        )
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report

    async def verify(self, **question: Any) -> dict[str, Any]:
        """The answer to one question."""
        body = {**question, "purpose": "inspection"}
        answer = await self.call(DESK, "POST", VERIFICATIONS, json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def show(self, receipt_no: str) -> None:
        """Read a receipt at every place there is."""
        for path in (f"/r/{receipt_no}", f"/r/{receipt_no}/jws", f"{VERIFICATIONS}/{receipt_no}"):
            for language in ("zh", "en"):
                answer = await self.call(DESK, "GET", path, headers={"Accept-Language": language})
                assert answer.status_code == 200, answer.text


def ndjson(*lines: dict[str, Any], tail: str = "") -> bytes:
    return ("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + tail).encode()


def table(charset: str, *rows: dict[str, Any]) -> bytes:
    """A CSV of the rows, titled in Chinese."""
    lines = ["证书编号,姓名,身份证号"]
    lines += [f"{r['number']},{r['holder_name']},{r['identity_number']}" for r in rows]
    return "\r\n".join([*lines, ""]).encode(charset)


@asynccontextmanager
async def two_cities(system: System) -> AsyncIterator[Day]:
    """Ours of the running system, and another deployment on its servers; registered with each
    other and with an issuer each.
    """
    server = system.database_url("certificates").rpartition("/")[0]
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute("CREATE DATABASE rengang_qujing")
    finally:
        await connection.close()
    settings = system.stack.process("certificates").program.environment
    shared = {name: value for name, value in settings.items() if not name.endswith("_FILE")}
    async with _link() as link:
        own = {
            "RENGANG_DATABASE_URL": f"{server}/rengang_qujing",
            "CERTIFICATES_PEPPER": PEPPER,
            "CERTIFICATES_CITY_ID": "qujing",
            "CERTIFICATES_PUBLIC_URL": link.url,
        }
        shared.pop("RENGANG_PORT")
        async with (
            running("certificates", **{**shared, **own}) as city,
            httpx.AsyncClient(timeout=60, trust_env=False) as client,
        ):
            await city.ready(60)
            link.target = city.url
            day = Day(system, city, link, client)
            await _introduce(day)
            try:
                yield day
            finally:
                await day.call(OPERATOR, "DELETE", "/v1/cities/qujing")


@asynccontextmanager
async def _link() -> AsyncIterator[Link]:
    link = Link("")
    await link.mend()
    try:
        yield link
    finally:
        await link.die()


async def _introduce(day: Day) -> None:
    ours = day.system.url("certificates")
    for there, peer, url, division in (
        (False, "qujing", day.link.url, "530300"),
        (True, "local", ours, "530100"),
    ):
        body = {
            "name": peer,
            "base_url": url,
            "divisions": [division],
            "jwks_url": f"{url}/.well-known/jwks.json",
        }
        answer = await day.call(OPERATOR, "PUT", f"/v1/cities/{peer}", there=there, json=body)
        assert answer.status_code == 201, answer.text
    for there, code in ((False, OURS), (True, THEIRS)):
        issuer = {
            "name": "样例评价机构",
            "province": "53",
            "cities": ["530300" if there else "530100"],
            "bases": ["样例"],
            "recognised_by": ["样例"],
            "keys": [signed_files.public_jwk(day.key)],
            "upload_lag_days": 20,
        }
        path = f"/v1/issuers/{code}"
        answer = await day.call(OPERATOR, "PUT", path, there=there, json=issuer)
        assert answer.status_code in (200, 201), answer.text


async def imports(day: Day) -> None:
    """Files of both kinds, with good lines and bad ones, and one that is no file."""
    report = await day.bring(
        ndjson(
            said(NUMBER),
            said(REVOKED, status="revoked"),
            said(ODD_NUMBER, OTHER, OTHER_ID),
            said(OPERATION, level=None, kind="special-operation"),
            said(NUMBER, OTHER, OTHER_ID, level=12),
            said(REVOKED, name=f"焊工 {HOLDER}"),
            said(UNKNOWN, identity_number=HOLDER_ID[:-1] + "W"),
            {**said(UNKNOWN), HOLDER_ID: HOLDER},
            said(UNKNOWN, issuer=HOLDER_ID),
            tail=f'\n{{"number": "{UNKNOWN}", "holder_name": "{OTHER}", {OTHER_ID}',
        )
    )
    assert report["created"] == 4, report
    assert report["rejected"] >= 4, report
    head = "证书编号,姓名,身份证号,职业编码,等级,证书名称,发证机构代码,发证日期,状态\r\n"
    row = f"{NUMBER},{HOLDER},{HOLDER_ID},{WELDER},高级工,焊工,{OURS},2023-06-30,有效\r\n"
    bad = f"{HOLDER_ID},{NUMBER},{HOLDER},{OTHER},{OTHER_ID},,,\r\n"
    for charset in ("utf-8", "gb18030"):
        file = (head + row + bad).encode(charset)
        content_type = f"text/csv; charset={charset}"
        await day.call(
            DESK,
            "POST",
            "/v1/registry/imports",
            content=file,
            headers={"Content-Type": content_type},
        )
        with suppress(AssertionError):
            await day.bring(file, media_type=signed_files.CSV, content_type=content_type)
    lines = (said(number, THIRD, THIRD_ID, issuer=THEIRS) for number in (OF_QUJING, WAITING))
    assert (await day.bring(ndjson(*lines), there=True))["created"] == 2


async def look_ups(day: Day) -> None:
    """One by one, many, a table; the right holder, a wrong one, and numbers that nobody has."""
    verdicts = {}
    for number, name, who in (
        (NUMBER, HOLDER, HOLDER_ID),
        (REVOKED, HOLDER, HOLDER_ID),
        (ODD_NUMBER, OTHER, OTHER_ID),
        (OPERATION, HOLDER, HOLDER_ID),
        (NUMBER, OTHER, OTHER_ID),
        (UNKNOWN, HOLDER, HOLDER_ID),
        (NOBODYS, THIRD, THIRD_ID),
        (OF_QUJING, THIRD, THIRD_ID),
        (OF_QUJING, OTHER, OTHER_ID),
    ):
        told = await day.verify(**asked(number, name, who))
        verdicts[number, name] = told["verdict"]
        await day.show(told["receipt_no"])
    assert verdicts[NUMBER, HOLDER] == "valid"
    assert verdicts[REVOKED, HOLDER] == "revoked"
    assert verdicts[NUMBER, OTHER] == "holder-mismatch"
    assert verdicts[UNKNOWN, HOLDER] == "not-found"
    assert verdicts[OF_QUJING, THIRD] == "valid"
    many = [asked(), asked(REVOKED), {"number": HOLDER_ID}, asked(HOLDER_ID, NUMBER, HOLDER), OTHER]
    body = {"purpose": "subsidy", "items": many}
    answer = await day.call(DESK, "POST", VERIFICATIONS, json=body)
    assert answer.json()["answered"] == 2, answer.text
    for charset in ("utf-8", "gb18030"):
        file = table(
            charset, asked(), asked(ODD_NUMBER, OTHER, OTHER_ID), asked(HOLDER_ID, OTHER, "1")
        )
        answer = await day.call(
            DESK,
            "POST",
            f"{TABLE}?purpose=evaluation",
            content=file,
            headers={"Content-Type": f"text/csv; charset={charset}"},
        )
        assert answer.status_code == 202, answer.text
        where = answer.headers["Location"]

        async def is_done(where: str = where) -> bool:
            return bool((await day.call(DESK, "GET", where)).json()["state"] == "done")

        await until(is_done, 30)
        result = await day.call(DESK, "GET", f"{where}/result")
        assert "valid" in result.text, result.text


async def claims(day: Day, seeker: Who, other: Who) -> None:
    """The holder's, a wrong one's until they are refused, one of another city, one that waits."""
    for number, name, who in ((NUMBER, HOLDER, HOLDER_ID), (OF_QUJING, THIRD, THIRD_ID)):
        answer = await day.call(seeker, "POST", "/v1/claims", json=asked(number, name, who))
        assert answer.status_code == 201, answer.text
        claim_id = answer.json()["claim_id"]
        await until(partial(_is, day, seeker, claim_id, "verified"), 30)
    statuses = set()
    for _ in range(7):
        answer = await day.call(other, "POST", "/v1/claims", json=asked(NUMBER, OTHER, OTHER_ID))
        statuses.add(answer.status_code)
        answer = await day.call(
            DESK,
            "POST",
            VERIFICATIONS,
            json={**asked(REVOKED, OTHER, OTHER_ID), "purpose": "subsidy"},
        )
        statuses.add(answer.status_code)
    assert 429 in statuses, statuses
    await day.link.die()
    told = await day.verify(**asked(WAITING, THIRD, THIRD_ID))
    assert told["verdict"] == "pending", told
    answer = await day.call(seeker, "POST", "/v1/claims", json=asked(WAITING, THIRD, THIRD_ID))
    claim_id = answer.json()["claim_id"]
    await day.show(told["receipt_no"])
    await day.link.mend()
    await until(partial(_is, day, seeker, claim_id, "verified"), 60)

    async def is_resolved() -> bool:
        kept = await day.call(DESK, "GET", f"{VERIFICATIONS}/{told['receipt_no']}")
        return kept.json()["superseded_by"] is not None

    await until(is_resolved, 60)
    await day.show(told["receipt_no"])


async def _is(day: Day, seeker: Who, claim_id: str, status: str) -> bool:
    items = (await day.call(seeker, "GET", "/v1/claims")).json()["items"]
    return any(item["claim_id"] == claim_id and item["status"] == status for item in items)


async def oddities(day: Day) -> None:
    """Numbers where none belongs, and bodies that are none."""
    refused = set()
    for who in (DESK, None):
        for method, path in (
            ("GET", f"{VERIFICATIONS}/{NUMBER}?identity_number={HOLDER_ID}&name={HOLDER}"),
            ("GET", f"/{HOLDER_ID}/{HOLDER}"),
            ("DELETE", f"/v1/claims/{HOLDER_ID}"),
            ("GET", f"/r/{HOLDER_ID}"),
            ("GET", f"/v1/status-lists/{HOLDER_ID}/{NUMBER}"),
            ("GET", f"/v1/registry/imports/{HOLDER_ID}"),
            ("GET", f"/v1/issuers/{HOLDER_ID}"),
            ("POST", f"{TABLE}?purpose={HOLDER_ID}"),
            ("GET", f"/v1/audit?purpose={HOLDER_ID}&requester={NUMBER}&before={OTHER_ID}"),
        ):
            refused.add((await day.call(who, method, path)).status_code)
        for headers in (
            {"Authorization": f"Bearer {HOLDER_ID}"},
            {"Authorization": f"{HOLDER_ID} {NUMBER}"},
            {"traceparent": HOLDER_ID, "User-Agent": NUMBER, "X-Forwarded-For": OTHER_ID},
            {"Content-Type": f"text/{HOLDER_ID}; charset={NUMBER}"},
            {"Accept-Language": HOLDER_ID, "Content-Encoding": NUMBER},
            {signed_files.HEADER: f"{HOLDER_ID}.{NUMBER}.{OTHER_ID}", "Idempotency-Key": HOLDER_ID},
        ):
            for path in (VERIFICATIONS, "/v1/claims", "/v1/registry/imports", TABLE):
                answer = await day.call(who, "POST", path, json=asked(), headers=headers)
                refused.add(answer.status_code)
    good = {**asked(), "purpose": "inspection"}
    for body in (
        json.dumps(good, ensure_ascii=False)[:-20].encode(),
        json.dumps(good, ensure_ascii=False).encode("gb18030"),
        f'{{"number": {HOLDER_ID}, "number": {HOLDER_ID}{HOLDER_ID}}}'.encode(),
        f'{{"{HOLDER_ID}": 1, "{HOLDER_ID}": 2}}'.encode(),
        f"{HOLDER} {HOLDER_ID} {NUMBER}".encode(),
        json.dumps({**good, HOLDER_ID: NUMBER, HOLDER: 1}).encode(),
        json.dumps({**good, "purpose": HOLDER_ID}).encode(),
        json.dumps({**good, "occupation": NUMBER}).encode(),
        json.dumps({**good, "issuer": f"{HOLDER} {NUMBER}"}).encode(),
        json.dumps({**good, "identity_number": HOLDER_ID[::-1]}).encode(),
        json.dumps({**good, "number": [NUMBER], "holder_name": {HOLDER: HOLDER}}).encode(),
        json.dumps({"items": HOLDER_ID, "purpose": NUMBER}).encode(),
        (HOLDER_ID * 80_000).encode(),
    ):
        headers = {"Content-Type": "application/json"}
        for path in (VERIFICATIONS, "/v1/claims"):
            who = DESK if path == VERIFICATIONS else ("seeker", "seeker-of-oddities")
            answer = await day.call(who, "POST", path, content=body, headers=headers)
            refused.add(answer.status_code)
            assert answer.status_code >= 400, (path, body[:60], answer.text)
    assert {400, 401, 404, 413, 415, 422} <= refused, refused


async def while_the_database_dies(day: Day) -> None:
    """Questions go on while it is killed: some are answered 503."""
    statuses: set[int] = set()
    is_back = asyncio.Event()

    async def ask() -> None:
        while not is_back.is_set():
            body = {**asked(), "purpose": "inspection"}
            statuses.add((await day.call(DESK, "POST", VERIFICATIONS, json=body)).status_code)
            claim = ("seeker", "seeker-in-the-dark")
            statuses.add((await day.call(claim, "POST", "/v1/claims", json=asked())).status_code)
            await asyncio.sleep(0.05)

    asking = asyncio.create_task(ask())
    try:
        await day.system.kill("postgres")
    finally:
        is_back.set()
        await asking
    assert 503 in statuses, statuses


async def readings(day: Day, seeker: Who) -> None:
    """What operators, holders and the public can read."""
    for who, path in (
        (OPERATOR, "/v1/audit?limit=200"),
        (OPERATOR, "/v1/audit/check"),
        (seeker, "/v1/audit/mine"),
        (seeker, "/v1/claims"),
        (OPERATOR, "/v1/cities"),
        (OPERATOR, "/v1/issuers"),
        (None, "/.well-known/jwks.json"),
        (None, "/v1/status-lists/revocation/0"),
        (None, "/v1/status-lists/suspension/0"),
    ):
        for there in (False, True):
            answer = await day.call(who, "GET", path, there=there)
            assert answer.status_code == 200, (path, answer.text)
