"""The operators' door to the table of partner cities.

What cities ask each other stands in exchange.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.certificates.actions.adapters import CityAdapter
from services.certificates.actions.calling import NoAnswer
from services.certificates.actions.knowing_cities import (
    TooManyCities,
    forget_city,
    keep_city,
    known_cities,
    known_city,
)
from services.certificates.actions.partners import Partners
from services.certificates.api.fields import EXAMPLE_IDENTITY
from services.certificates.domain.cities import (
    MOST_CITIES,
    AdapterKind,
    City,
    CityRule,
    broken_rules,
)
from services.certificates.domain.exchange import Unbelievable
from services.certificates.domain.json_city import JsonMapping, MappingInvalid
from services.certificates.domain.keys import KeyUnreadable, base64url, from_base64url, read_jwks
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.verdicts import Question
from services.kit.auth import Role, require
from services.kit.database import Database
from services.kit.problems import FieldError, Problem, content_not_accepted, not_found
from services.kit.wordings import said

CITY_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"
CityId = Annotated[str, StringConstraints(pattern=CITY_ID)]

_URL = re.compile(r"https?://[^\s/@?#\\]+(/[^\s?#\\]*)?")


def _url(text: str) -> str:
    if not _URL.fullmatch(text) or not text.isascii() or len(text) > 500:
        raise said(
            "city_url",
            zh="应为 http:// 或 https:// 网址，不含用户名、密码、查询参数和 # 部分。",
            en="Must be an http:// or https:// URL without user, password, query or fragment.",
        )
    return text.rstrip("/")


def _division(code: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{5}", code):
        raise said(
            "division",
            zh="行政区划代码应为 6 位数字，如 530300（曲靖市）。",
            en="A division code has 6 digits, such as 530300 (曲靖市).",
        )
    return code


Url = Annotated[str, AfterValidator(_url)]
Division = Annotated[str, AfterValidator(_division)]


class CitySaid(BaseModel):
    """A partner city as an operator registers it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    base_url: Url = Field(examples=["https://certificates.qujing.example"])
    divisions: list[Division] = Field(
        min_length=1, max_length=50, description="GB/T 2260, 6 digits", examples=[["530300"]]
    )
    adapter: AdapterKind = AdapterKind.RENGANG
    enabled: bool = True
    jwks: dict[str, Any] | None = Field(
        default=None, description="固定的公钥（RFC 7517）· its pinned public keys"
    )
    jwks_url: Url | None = Field(
        default=None, examples=["https://certificates.qujing.example/.well-known/jwks.json"]
    )
    mapping: dict[str, Any] | None = Field(
        default=None, description="http-json：如何读写对方的 JSON · how its JSON is read"
    )
    certificate_sha256: str | None = Field(
        default=None, description="TLS 证书（DER）的 SHA-256，base64url · of its TLS certificate"
    )
    trusted_unsigned: bool = Field(
        default=False, description="信任其不签名的答复 · believe it although nobody signs"
    )
    timeout_s: float | None = Field(default=None, gt=0, le=30)


class CityView(CitySaid):
    """A partner city as it stands. state: closed is asked, open is left alone for a while."""

    city_id: str
    state: str

    @classmethod
    def of(cls, city: City, state: str) -> "CityView":
        """The view of a city."""
        pin = city.certificate_sha256
        return cls(
            city_id=city.city_id,
            state=state,
            name=city.name,
            base_url=city.base_url,
            divisions=list(city.divisions),
            adapter=city.adapter,
            enabled=city.enabled,
            jwks=None if city.jwks is None else dict(city.jwks),
            jwks_url=city.jwks_url,
            mapping=None if city.mapping is None else dict(city.mapping),
            certificate_sha256=None if pin is None else base64url(pin),
            trusted_unsigned=city.trusted_unsigned,
            timeout_s=city.timeout_s,
        )


class CitiesView(BaseModel):
    """Every partner city, in order of id."""

    items: list[CityView]


class CityTest(BaseModel):
    """What a city answered to a question about a certificate that nobody has. ok: believed."""

    ok: bool
    verdict: str | None = None
    fault: str | None = None
    seconds: float


def routes(db: Database, partners: Partners, *, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of /v1/cities."""
    others = partners.others
    router = APIRouter(
        prefix="/v1/cities", tags=["cities"], dependencies=[Depends(require(Role.OPERATOR))]
    )
    own_id = partners.ways.city_id
    PathId = Annotated[str, Path(alias="city_id", pattern=CITY_ID)]  # noqa: N806 (a type)

    @router.put(
        "/{city_id}",
        summary="登记协作城市 · register a partner city",
        responses={201: {"model": CityView, "description": "New."}},
    )
    async def put(response: Response, name: PathId, stated: CitySaid) -> CityView:
        """The whole of what is known of it; what is left out is no longer so."""
        city = _city(name, stated, own_id)
        try:
            is_new = await keep_city(db, city, clock())
        except TooManyCities:
            raise Problem(
                409,
                "too_many_cities",
                zh=f"最多登记 {MOST_CITIES} 个协作城市，已达上限。",
                en=f"There are {MOST_CITIES} partner cities already, which is the most.",
            ) from None
        others.forget()
        response.status_code = 201 if is_new else 200
        return CityView.of(city, others.state(name))

    @router.get("", summary="协作城市 · partner cities")
    async def list_() -> CitiesView:
        """Every partner city."""
        found = await known_cities(db)
        return CitiesView(items=[CityView.of(city, others.state(city.city_id)) for city in found])

    @router.get("/{city_id}", summary="一个协作城市 · a partner city")
    async def get(name: PathId) -> CityView:
        """The city as it is registered."""
        return CityView.of(await _known(db, name), others.state(name))

    @router.delete("/{city_id}", status_code=204, summary="注销协作城市 · remove a partner city")
    async def delete(name: PathId) -> None:
        """It is asked no more and let in no more; what it vouched for stays."""
        if not await forget_city(db, name):
            raise not_found()
        others.forget()

    @router.post("/{city_id}/test", summary="试问一次 · try the way to a city")
    async def test(name: PathId) -> CityTest:
        """Asks about a certificate that nobody has, as any question would be asked."""
        city = await _known(db, name)
        adapter: CityAdapter = others.adapters[city.adapter]
        started = others.ticks()
        try:
            told = await adapter.ask(city, _NOBODYS, clock(), purpose=None)
        except NoAnswer as error:
            return CityTest(ok=False, fault=error.fault, seconds=others.ticks() - started)
        except Unbelievable as error:
            return CityTest(ok=False, fault=error.why, seconds=others.ticks() - started)
        return CityTest(ok=True, verdict=told.verdict, seconds=others.ticks() - started)

    return router


# There is no area 999999, so this is nobody's number.
_NOBODYS = Question(
    number=certificate_number("RENGANG-LINK-TEST"),
    holder_name="样例",
    identity_number=EXAMPLE_IDENTITY,
)


async def _known(db: Database, city_id: str) -> City:
    city = await known_city(db, city_id)
    if city is None:
        raise not_found()
    return city


def _city(city_id: str, stated: CitySaid, own_id: str) -> City:
    """Raises Problem 422."""
    faults: list[FieldError] = []
    if city_id == own_id:
        faults.append(
            {
                "parameter": "city_id",
                "where": "path",
                "zh": "这是本市自己的代号。",
                "en": "That is our own city's id.",
            }
        )
    if stated.jwks is not None:
        try:
            read_jwks(orjson.dumps(stated.jwks))
        except KeyUnreadable:
            faults.append(
                {
                    "pointer": "/jwks",
                    "zh": "应为含有 Ed25519 公钥的 JWKS。",
                    "en": "Must be a JWKS with an Ed25519 public key.",
                }
            )
        if any("d" in key for key in stated.jwks.get("keys", ()) if isinstance(key, dict)):
            faults.append(
                {
                    "pointer": "/jwks",
                    "zh": "含有私钥（d），请只发送公钥，并更换这把密钥。",
                    "en": "Holds a private key (d). Send the public part only, and change the key.",
                }
            )
    if stated.mapping is not None:
        try:
            JsonMapping.of(stated.mapping)
        except MappingInvalid as error:
            faults.append(
                {
                    "pointer": f"/mapping/{error.part}".rstrip("/"),
                    "zh": "缺少或写法不对，见文档中的例子。",
                    "en": "Missing or not as it must be; see the example in the documents.",
                }
            )
    pin = _pin(stated.certificate_sha256, faults)
    city = City(
        city_id=city_id,
        name=stated.name,
        base_url=stated.base_url,
        divisions=tuple(sorted(set(stated.divisions))),
        adapter=stated.adapter,
        enabled=stated.enabled,
        jwks=stated.jwks,
        jwks_url=stated.jwks_url,
        mapping=stated.mapping,
        certificate_sha256=pin,
        trusted_unsigned=stated.trusted_unsigned,
        timeout_s=stated.timeout_s,
    )
    faults += [_RULES[rule] for rule in broken_rules(city)]
    if faults:
        raise content_not_accepted(faults)
    return city


def _pin(text: str | None, faults: list[FieldError]) -> bytes | None:
    if text is None:
        return None
    try:
        pin = from_base64url(text)
    except ValueError:
        pin = b""
    if len(pin) == 32:
        return pin
    faults.append(
        {
            "pointer": "/certificate_sha256",
            "zh": "应为 32 字节 SHA-256 的 base64url（43 个字符）。",
            "en": "Must be the base64url of the 32 bytes of a SHA-256 (43 characters).",
        }
    )
    return None


_RULES: dict[CityRule, FieldError] = {
    CityRule.KEYS_MISSING: {
        "pointer": "/jwks",
        "zh": "需要 jwks（固定的公钥）或 jwks_url：没有公钥无法核对其签名。",
        "en": "Give jwks (pinned keys) or jwks_url: without keys its signature proves nothing.",
    },
    CityRule.KEYS_ELSEWHERE: {
        "pointer": "/jwks_url",
        "zh": "应与 base_url 同一协议、主机和端口。",
        "en": "Must be of the scheme, host and port of base_url.",
    },
    CityRule.MAPPING_MISSING: {
        "pointer": "/mapping",
        "zh": "http-json 方式需要 mapping，说明如何读写对方的 JSON。",
        "en": "The adapter http-json needs a mapping that says how its JSON is read.",
    },
    CityRule.UNSIGNED_UNTRUSTED: {
        "pointer": "/trusted_unsigned",
        "zh": "其答复没有签名：请固定其 TLS 证书（certificate_sha256），或明确信任。",
        "en": "Nobody signs its answers: pin its TLS certificate (certificate_sha256), or say that "
        "it is trusted all the same.",
    },
    CityRule.PIN_WITHOUT_TLS: {
        "pointer": "/certificate_sha256",
        "zh": "固定 TLS 证书需要 https:// 的 base_url。",
        "en": "A pinned certificate needs a base_url of https://.",
    },
}
