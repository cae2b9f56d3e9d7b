"""Loads the sample market into a running system: `python -m dev.sample.load`.

Over HTTP like anyone's data. Loading again changes nothing.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import islice
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import httpx
import orjson

from dev import signed_files
from dev.reach import Reach
from dev.sample import generate

POSTINGS = 300
SEEKERS = 500
FIRMS = 6
CLAIMS = 20
PATIENCE_S = 60.0


def main(arguments: list[str] | None = None) -> int:
    """Command line; see --help."""
    parser = argparse.ArgumentParser(prog="./rengang seed", description=__doc__)
    parser.add_argument("--postings", type=int, default=POSTINGS)
    parser.add_argument("--seekers", type=int, default=SEEKERS)
    parser.add_argument("--claims", type=int, default=CLAIMS, help="seekers who claim at once")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args(arguments)
    try:
        done = load(Reach.found(), wanted.postings, wanted.seekers, wanted.claims)
    except LoadFailed as error:
        print(f"sample data: {error}", file=sys.stderr)
        return 1
    if wanted.json:
        print(orjson.dumps(done).decode())
    else:
        print(", ".join(f"{count} {what}" for what, count in done.items()))
    return 0


class LoadFailed(Exception):
    """A service refused the sample data, or was away for a minute."""


def load(reach: Reach, postings: int, seekers: int, claims: int) -> dict[str, int]:
    """Seekers and the registry first, then postings, then a few claims.

    Seeker 1, the welder of the README's tour, claims nothing here: that is the tour's to do.
    """
    operator = ("operator", "sample-loader")
    with httpx.Client(timeout=60) as client:
        doors = _Doors(client, reach)
        people = doors.bring("seekers", "/v1/seekers/import", operator, generate.seekers(seekers))
        registry = doors.register(generate.issuer(), generate.certificates(seekers))
        jobs = 0
        for firm, lines in enumerate(_chunks(generate.postings(postings), 50), 1):
            employer = ("employer", generate.firm(firm % FIRMS + 1))
            jobs += doors.bring("postings", "/v1/postings/import", employer, lines)
        return {
            "seekers": people,
            "certificates": registry,
            "postings": jobs,
            "claims": _claims(doors, seekers, claims),
        }


def _claims(doors: "_Doors", seekers: int, wanted: int) -> int:
    made = 0
    for number in range(2, seekers + 1):
        line = generate.certificate_of(number)
        if line is None or made >= wanted:
            continue
        claim = {name: line[name] for name in ("number", "holder_name", "identity_number")}
        who = ("seeker", generate.account(number))
        doors.post("certificates", "/v1/claims", who, orjson.dumps(claim))
        made += 1
    return made


class _Doors:
    """The services' doors, knocked at again for a minute where nobody answers."""

    def __init__(self, client: httpx.Client, reach: Reach) -> None:
        self._client = client
        self._reach = reach

    def bring(
        self, service: str, path: str, who: tuple[str, str], lines: Iterable[dict[str, Any]]
    ) -> int:
        taken = 0
        for chunk in _chunks(lines, 500):
            body = b"\n".join(orjson.dumps(line) for line in chunk)
            report = self.post(service, path, who, body, media_type="application/x-ndjson")
            if report["rejected"]:
                first = next(line for line in report["lines"] if line["status"] == "rejected")
                raise LoadFailed(f"{service} refused line {first['line']}: {first['errors']}")
            taken += report["total"]
        return taken

    def register(self, issuer: dict[str, Any], lines: Iterable[dict[str, Any]]) -> int:
        """Bring certificates in, signed by their issuer with a key that nobody keeps."""
        key, _ = signed_files.new_key()
        body = b"\n".join(map(orjson.dumps, lines))
        facts = signed_files.facts_of(BytesIO(body), signed_files.NDJSON)
        # The same certificates are the same import: loaded again, they are there already.
        import_id = uuid5(NAMESPACE_OID, facts.sha256.hex())
        signature = signed_files.sign(key, issuer["code"], facts, import_id, int(time.time()))
        said = {**issuer, "keys": [signed_files.public_jwk(key)]}
        operator = ("operator", "sample-loader")
        address = ("certificates", f"/v1/issuers/{said.pop('code')}")
        self.send("PUT", address, operator, orjson.dumps(said))
        report = self.send(
            "POST",
            ("certificates", "/v1/registry/imports"),
            operator,
            body,
            {"content-type": signed_files.NDJSON, signed_files.HEADER: signature},
        )
        if report["rejected"]:
            first = next(line for line in report["lines"] if line["status"] == "rejected")
            raise LoadFailed(f"the registry refused line {first['line']}: {first['errors']}")
        return int(report["done"])

    def post(
        self,
        service: str,
        path: str,
        who: tuple[str, str],
        body: bytes,
        *,
        media_type: str = "application/json",
    ) -> dict[str, Any]:
        return self.send("POST", (service, path), who, body, {"content-type": media_type})

    def send(
        self,
        method: str,
        address: tuple[str, str],
        who: tuple[str, str],
        body: bytes,
        given: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Knock until somebody answers. address: service and path. given: further headers."""
        service, path = address
        token = self._reach.token(*who)
        headers = {"content-type": "application/json", **(given or {})}
        headers["authorization"] = f"Bearer {token}"
        url = self._reach.url(service) + path
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self._client.request(method, url, content=body, headers=headers)
            except httpx.TransportError as error:
                why = f"{service} does not answer: {error}"
            else:
                if answer.is_success:
                    told: dict[str, Any] = answer.json()
                    return told
                why = f"{service} answered {answer.status_code}: {answer.text[:300]}"
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    raise LoadFailed(why)
            if time.monotonic() > deadline:
                raise LoadFailed(why)
            time.sleep(0.5)


def _chunks(lines: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    rest = iter(lines)
    while chunk := list(islice(rest, size)):
        yield chunk


if __name__ == "__main__":
    sys.exit(main())
