"""An issuer of the tests: registered at the door, and signing its files.

What a line says stands in samples.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dev import signed_files
from dev.signed_files import CSV, HEADER, NDJSON
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import ISSUER

IMPORTS = "/v1/registry/imports"


def an_issuer(*keys: Ed25519PrivateKey, **changes: Any) -> dict[str, Any]:
    """The body that registers an issuer."""
    return {
        "name": "云南样例职业技能评价中心",
        "province": "53",
        "cities": ["530100"],
        "bases": ["样例备案〔2021〕1 号"],
        "recognised_by": ["样例认可机关"],
        "keys": [signed_files.public_jwk(key) for key in keys],
        "upload_lag_days": 20,
        **changes,
    }


def ndjson(*lines: Mapping[str, Any]) -> bytes:
    """A file of these lines."""
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()


@dataclass
class Signer:
    """Signs as one issuer, and sends what it signed as a partner."""

    door: CertificatesDoor
    code: str = ISSUER
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    async def register(self, **changes: Any) -> httpx.Response:
        operator = self.door.caller("op-1", "operator")
        body = an_issuer(self.key, **changes)
        return await operator.put(f"/v1/issuers/{self.code}", json=body)

    def sign(
        self,
        file: bytes,
        *,
        media_type: str = NDJSON,
        import_id: UUID | None = None,
        iat: int | None = None,
        issuer: str | None = None,
    ) -> str:
        """iat: seconds since the epoch; the door's clock where left out."""
        facts = signed_files.facts_of(BytesIO(file), media_type)
        when = int(self.door.clock().timestamp()) if iat is None else iat
        return signed_files.sign(self.key, issuer or self.code, facts, import_id or uuid4(), when)

    async def post(
        self,
        file: bytes,
        signature: str,
        *,
        content_type: str = NDJSON,
        sender: tuple[str, str] = ("yuxi", "partner"),
    ) -> httpx.Response:
        headers = {HEADER: signature, "Content-Type": content_type}
        return await self.door.caller(*sender).post(IMPORTS, content=file, headers=headers)

    async def import_(self, *lines: Mapping[str, Any], iat: int | None = None) -> dict[str, Any]:
        """The report of these lines, signed and sent."""
        file = ndjson(*lines)
        return self.report(await self.post(file, self.sign(file, iat=iat)))

    async def import_csv(self, file: bytes, content_type: str = CSV) -> dict[str, Any]:
        """The report of this table, signed and sent."""
        signature = self.sign(file, media_type=CSV)
        return self.report(await self.post(file, signature, content_type=content_type))

    @staticmethod
    def report(answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report
