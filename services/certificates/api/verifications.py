"""The door for those who are shown a certificate: is it good, and this person's?

What a seeker claims stands beside this, and so do questions that come as a file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.certificates.actions.batching import QueueFull
from services.certificates.actions.inquiries import Inquiry, Verified
from services.certificates.actions.reading_receipts import verification_of
from services.certificates.actions.verifying import Verifier
from services.certificates.api.answers import (
    VerificationView,
    busy,
    problem_of_item,
    told,
    too_many_misses,
)
from services.certificates.api.asking import Allowances, may_ask_for
from services.certificates.api.fields import IssuerCode, Stated
from services.certificates.api.views import language
from services.certificates.domain.purposes import Purpose
from services.certificates.domain.receipt_numbers import (
    ReceiptNumberUnreadable,
    read_receipt_number,
)
from services.certificates.domain.verdicts import Question, Verdict
from services.kit import strict_json
from services.kit.auth import Caller, Role, require
from services.kit.database import Database
from services.kit.intake import MIB, body_limit, require_content_type
from services.kit.lean import LeanRoute
from services.kit.problems import (
    Problem,
    content_not_accepted,
    field_errors,
    not_found,
)
from services.kit.wordings import Language

Asker = Annotated[Caller, Depends(require(Role.PARTNER, Role.OPERATOR, Role.EMPLOYER))]

MOST_ITEMS = 1_000
_MAX_BODY_BYTES = MIB


class Item(Stated):
    """A certificate as it was shown. issuer: whose it is, where the number does not say that."""

    issuer: IssuerCode | None = Field(default=None, examples=["S000053000123"])

    def question(self) -> Question:
        """The question in the words of the domain."""
        return Question(
            self.number, self.holder_name, self.identity_number, self.occupation, self.issuer
        )


class OneQuestion(Item):
    """A certificate as it was shown, and why it is looked up."""

    purpose: Purpose = Field(
        description="录用、补贴、落户、评价、检查", examples=[Purpose.EMPLOYMENT]
    )


class ManyQuestions(BaseModel):
    """Up to 1,000 certificates, looked up for one purpose; each is answered on its own."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    purpose: Purpose
    # Each is read by itself, so that a bad one takes nothing from the others.
    items: list[Any] = Field(min_length=1, max_length=MOST_ITEMS)


class ItemProblem(BaseModel):
    """Why an item was not answered."""

    model_config = ConfigDict(extra="allow")

    type: str
    status: int
    detail: str


class ItemView(BaseModel):
    """What became of one item: its verification, or a problem. index: counts from 0."""

    index: int
    verification: VerificationView | None = None
    problem: ItemProblem | None = None


class ManyView(BaseModel):
    """What became of the items, in their order."""

    answered: int
    not_answered: int
    items: list[ItemView]


class KeptView(BaseModel):
    """A verification that was made before. superseded_by: the receipt that took its place."""

    receipt_no: str
    verdict: Verdict
    purpose: str
    verified_at: datetime
    superseded_by: str | None
    receipt: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes questions from callers and tells them the answers."""

    verifier: Verifier
    allowances: Allowances
    clock: Callable[[], datetime]

    async def one(self, value: Any, caller: Caller, in_language: Language) -> dict[str, Any]:
        """The VerificationView of a body with one question. Raises Problem."""
        try:
            asked = OneQuestion.model_validate(value)
        except ValidationError as error:
            raise content_not_accepted(field_errors(error, value, repeat=False)) from None
        may_ask_for(asked.purpose, caller)
        try:
            (outcome,) = await self.verifier.verify([self._inquiry(asked, asked.purpose, caller)])
        except QueueFull:
            raise busy() from None
        if not isinstance(outcome, Verified):
            raise too_many_misses(outcome, self.clock())
        return told(outcome, in_language, city_id=self.verifier.city_id)

    async def many(
        self, value: dict[str, Any], caller: Caller, in_language: Language
    ) -> dict[str, Any]:
        """The ManyView of a body with items. Raises Problem where none of it makes sense."""
        try:
            asked = ManyQuestions.model_validate(value)
        except ValidationError as error:
            raise content_not_accepted(field_errors(error, value, repeat=False)) from None
        may_ask_for(asked.purpose, caller)
        inquiries: dict[int, Inquiry] = {}
        items: list[dict[str, Any]] = [{"index": n} for n in range(len(asked.items))]
        for n, item in enumerate(asked.items):
            try:
                inquiries[n] = self._inquiry(Item.model_validate(item), asked.purpose, caller)
            except ValidationError as error:
                problem = content_not_accepted(field_errors(error, item, repeat=False))
                items[n]["problem"] = problem_of_item(problem, in_language)
        try:
            outcomes = await self.verifier.verify(list(inquiries.values()), bulk=True)
        except QueueFull:
            raise busy() from None
        for n, outcome in zip(inquiries, outcomes, strict=True):
            if isinstance(outcome, Verified):
                city_id = self.verifier.city_id
                items[n]["verification"] = told(outcome, in_language, city_id=city_id)
            else:
                problem = too_many_misses(outcome, self.clock())
                items[n]["problem"] = problem_of_item(problem, in_language)
        answered = sum("verification" in item for item in items)
        return {"answered": answered, "not_answered": len(items) - answered, "items": items}

    def _inquiry(self, item: Item, purpose: Purpose, caller: Caller) -> Inquiry:
        return self.verifier.inquiry(
            item.question(),
            requester=caller.subject,
            role=caller.role,
            purpose=purpose,
            allowance=self.allowances[caller.role],
        )


def routes(
    db: Database, verifier: Verifier, allowances: Allowances, *, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes of /v1/verifications, but for tables."""
    router = APIRouter(tags=["verifications"])
    asked_often = APIRouter(tags=["verifications"], route_class=LeanRoute)
    desk = Desk(verifier, allowances, clock)

    @asked_often.post(
        "/v1/verifications",
        summary="核验证书，一本或多本 · verify certificates, one or many",
        responses={200: {"model": VerificationView | ManyView}, 429: _TOO_MANY},
        openapi_extra={**body_limit(_MAX_BODY_BYTES), "requestBody": _documented_body()},
    )
    async def verify(request: Request, caller: Asker) -> Response:
        """Number, name and identity number must all be right; each look is recorded.

        With `items` each is answered on its own. Not found does not mean forged.
        """
        require_content_type(request.headers, "application/json")
        value = _parsed(await request.body())
        in_language = language(request)
        if isinstance(value, dict) and "items" in value:
            body = await desk.many(value, caller, in_language)
        else:
            body = await desk.one(value, caller, in_language)
        headers = {
            "Content-Language": in_language,
            "Vary": "Accept-Language",
            "Cache-Control": "no-store",
        }
        written = orjson.dumps(body, option=orjson.OPT_UTC_Z)
        return Response(written, 200, headers, "application/json")

    router.routes.extend(asked_often.routes)

    @router.get(
        "/v1/verifications/{receipt_no}",
        summary="按回执编号查询 · a verification by its receipt number",
    )
    async def kept(caller: Asker, receipt_no: str) -> KeptView:
        """For whoever asked, and operators. What was asked about is not kept, so not told."""
        try:
            number = read_receipt_number(receipt_no)
        except ReceiptNumberUnreadable:
            raise not_found() from None
        found = await verification_of(db, number)
        mine = found is not None and (found.requester, found.role) == (caller.subject, caller.role)
        if found is None or not (mine or caller.role is Role.OPERATOR):
            raise not_found()
        return KeptView(
            receipt_no=found.receipt_no,
            verdict=found.verdict,
            purpose=found.purpose,
            verified_at=found.verified_at,
            superseded_by=found.superseded_by,
            receipt=found.jws,
        )

    return router


def _parsed(body: bytes) -> Any:
    try:
        return strict_json.parse(body) if body else None
    except strict_json.JsonFault as fault:
        place: dict[str, Any] = dict(fault.place)
        raise Problem(400, "json_malformed", zh=fault.zh, en=fault.en, **place) from None


_TOO_MANY = {"description": "Too many misses, by this asker or about this number; Retry-After."}


def _documented_body() -> dict[str, Any]:
    shapes: Sequence[type[BaseModel]] = (OneQuestion, ManyQuestions)
    one, many = (shape.model_json_schema() for shape in shapes)
    for shape in (one, many):
        # In place, not by reference: the schema stands in a body that FastAPI does not know.
        del shape["$defs"]
        shape["properties"]["purpose"] = {"type": "string", "enum": list(Purpose)}
    many["properties"]["items"]["items"] = Item.model_json_schema()
    return {
        "required": True,
        "content": {"application/json": {"schema": {"oneOf": [one, many]}}},
    }
