"""The register of issuers: kept by operators, read by partners too.

What issuers issue comes in by imports.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request

from services.certificates.actions.issuing import (
    OriginUnknown,
    issuer_of,
    issuers_after,
    register_issuer,
)
from services.certificates.domain.issuers import (
    MOST_KEYS,
    MOST_LAG_DAYS,
    PROVINCES,
    Issuer,
    IssuerKeyInvalid,
    KeyRule,
    is_city_of,
    issuer_keys,
)
from services.kit.auth import Role, require
from services.kit.database import Database
from services.kit.paging import DEFAULT_LIMIT, Cursor, CursorText, Limit, Page, next_link
from services.kit.problems import FieldError, content_not_accepted, not_found

CODE = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$"
Code = Annotated[str, Path(pattern=CODE, description="发证机构代码", examples=["S000053000123"])]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class IssuerSaid(BaseModel):
    """An issuer as an operator registers it."""

    model_config = ConfigDict(extra="forbid")

    name: Text = Field(examples=["云南样例职业技能评价中心"])
    province: str = Field(description="GB/T 2260, two digits", examples=["53"])
    cities: list[str] = Field(
        default=[],
        max_length=400,
        description="所在城市；空为全省 · six digits each; none: the whole province",
        examples=[["530100"]],
    )
    bases: list[Text] = Field(
        min_length=1, max_length=20, description="发证依据 · the laws and filings it issues by"
    )
    recognised_by: list[Text] = Field(
        min_length=1, max_length=20, description="认可机关 · who recognises it"
    )
    keys: list[dict[str, Any]] = Field(
        default=[],
        max_length=MOST_KEYS,
        description="签名公钥 · Ed25519 public keys as JWKs (RFC 8037)",
    )
    upload_lag_days: int = Field(
        ge=0,
        le=MOST_LAG_DAYS,
        description="新证书最迟几天上传 · how late a new certificate may be uploaded",
    )
    origin: str | None = Field(
        default=None, description="由哪个协作城市负责 · the partner city that answers for it"
    )


class IssuerView(IssuerSaid):
    """An issuer as it is registered."""

    code: str

    @classmethod
    def of(cls, issuer: Issuer) -> "IssuerView":
        """The view of an issuer."""
        return cls(
            code=issuer.code,
            name=issuer.name,
            province=issuer.province,
            cities=list(issuer.cities),
            bases=list(issuer.bases),
            recognised_by=list(issuer.recognised_by),
            keys=[dict(key) for key in issuer.keys],
            upload_lag_days=issuer.upload_lag_days,
            origin=issuer.origin,
        )


_CURSOR = Cursor("issuers", str)


def routes(db: Database, *, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of /v1/issuers."""
    router = APIRouter(prefix="/v1/issuers", tags=["issuers"])
    reads = [Depends(require(Role.OPERATOR, Role.PARTNER))]

    @router.put(
        "/{code}",
        summary="登记发证机构 · register an issuer",
        dependencies=[Depends(require(Role.OPERATOR))],
        responses={201: {"model": IssuerView, "description": "New."}},
    )
    async def put(response: Response, code: Code, stated: IssuerSaid) -> IssuerView:
        """The whole of what is known of it; what is left out is no longer so."""
        issuer = _issuer(code, stated)
        try:
            is_new = await register_issuer(db, issuer, clock())
        except OriginUnknown:
            raise content_not_accepted([_ORIGIN_UNKNOWN]) from None
        response.status_code = 201 if is_new else 200
        return IssuerView.of(issuer)

    @router.get("", summary="发证机构 · issuers", dependencies=reads)
    async def list_(
        request: Request,
        response: Response,
        cursor: CursorText = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Page[IssuerView]:
        """In order of code."""
        after = "" if cursor is None else _CURSOR.decode(cursor)
        found = await issuers_after(db, after, limit + 1)
        more = _CURSOR.encode(found[limit - 1].code) if len(found) > limit else None
        if more is not None:
            response.headers["Link"] = next_link(request, more)
        return Page(items=[IssuerView.of(issuer) for issuer in found[:limit]], next=more)

    @router.get("/{code}", summary="一个发证机构 · an issuer", dependencies=reads)
    async def get(code: Code) -> IssuerView:
        """The issuer as it is registered."""
        issuer = await issuer_of(db, code)
        if issuer is None:
            raise not_found()
        return IssuerView.of(issuer)

    return router


def _issuer(code: str, stated: IssuerSaid) -> Issuer:
    """Raises Problem 422."""
    faults: list[FieldError] = []
    if stated.province not in PROVINCES:
        faults.append(_PROVINCE_UNKNOWN)
    else:
        faults += [
            _city_unknown(index)
            for index, city in enumerate(stated.cities)
            if not is_city_of(city, stated.province)
        ]
    keys: tuple[dict[str, str], ...] = ()
    try:
        keys = issuer_keys(stated.keys)
    except IssuerKeyInvalid as invalid:
        zh, en = _KEY_WORDS[invalid.rule]
        faults.append({"pointer": f"/keys/{invalid.index}", "zh": zh, "en": en})
    if faults:
        raise content_not_accepted(faults)
    return Issuer(
        code=code,
        name=stated.name,
        province=stated.province,
        cities=tuple(sorted(set(stated.cities))),
        bases=tuple(stated.bases),
        recognised_by=tuple(stated.recognised_by),
        keys=keys,
        upload_lag_days=stated.upload_lag_days,
        origin=stated.origin,
    )


_PROVINCE_UNKNOWN: FieldError = {
    "pointer": "/province",
    "zh": "没有这个省级行政区代码；应为两位数字，如 53（云南）。",
    "en": "There is no province of this code; it has two digits, such as 53 (云南).",
}
_ORIGIN_UNKNOWN: FieldError = {
    "pointer": "/origin",
    "zh": "没有登记这个协作城市；请先用 PUT /v1/cities 登记。",
    "en": "No partner city of this id is registered; register it by PUT /v1/cities first.",
}


def _city_unknown(index: int) -> FieldError:
    return {
        "pointer": f"/cities/{index}",
        "zh": "该省没有这个城市；应为六位行政区划代码，如 530100（昆明市）。",
        "en": "The province has no such city; a city's code has six digits, such as 530100 "
        "(昆明市).",
    }


_KEY_WORDS: dict[KeyRule, tuple[str, str]] = {
    KeyRule.NOT_ED25519: (
        '不是 Ed25519 公钥；应为 {"kty": "OKP", "crv": "Ed25519", "x": …}（RFC 8037）。',
        'Not an Ed25519 public key, which is {"kty": "OKP", "crv": "Ed25519", "x": …} (RFC 8037).',
    ),
    KeyRule.PRIVATE: (
        "这是私钥，不得发送：请作废它，另生成一把，只登记公钥。",
        "This is a private key, which must never be sent: discard it, make another, and register "
        "its public part alone.",
    ),
    KeyRule.TWICE: ("这把密钥重复了。", "This key is here twice."),
}
