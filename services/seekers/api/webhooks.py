"""The routes for a seeker's webhook and for what was sent to it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.values import SeekerId
from services.kit.database import Database
from services.kit.paging import DEFAULT_LIMIT, Cursor, CursorText, Limit, Page, next_link
from services.seekers.actions import webhooks as actions
from services.seekers.actions.profiles import ensure_known
from services.seekers.actions.webhooks import NewSecret
from services.seekers.api.callers import OwnId
from services.seekers.api.refusals import refusals
from services.seekers.api.shapes import Shape
from services.seekers.domain.deliveries import Delivery, DeliveryState, Webhook
from services.seekers.domain.notifying import Kind
from services.seekers.domain.webhooks import MAX_URL, shown_secret

_CURSOR: Cursor[int] = Cursor("seekers.deliveries", int)
_LINK = {"Link": {"description": "The next page (RFC 8288).", "schema": {"type": "string"}}}

Seq = Annotated[int, Path(ge=1, le=2**62, description="`n` of the delivery.")]
StateFilter = Annotated[
    DeliveryState | None, Query(description="只看某一状态。Those in one state only.")
]


class WebhookIn(Shape):
    """通知推送地址。Where notifications are posted to."""

    url: str = Field(
        min_length=1,
        max_length=MAX_URL,
        description="https:// 地址，须可从互联网访问。Must be https:// and on the public internet.",
        json_schema_extra={"examples": ["https://jobs.example/hooks/rengang"]},
    )
    renew_secret: bool = Field(
        default=False, description="换一个新密钥。Make a new secret though the URL stays."
    )


class WebhookOut(BaseModel):
    """通知推送。A webhook. secret: shown once, when it was made."""

    url: str
    created_at: datetime
    changed_at: datetime
    secret: str | None = Field(
        None, description="`whsec_…`，仅显示这一次。For checking signatures (Standard Webhooks)."
    )

    @classmethod
    def of(cls, webhook: Webhook, *, with_secret: bool = False) -> "WebhookOut":
        """The webhook as its seeker sees it."""
        return cls(
            url=webhook.url,
            created_at=webhook.created_at,
            changed_at=webhook.changed_at,
            secret=shown_secret(webhook.secret) if with_secret else None,
        )


class DeliveryOut(BaseModel):
    """一次推送。One notification on its way. n: the seq of what it tells in the feed."""

    n: int
    state: DeliveryState
    kind: Kind
    match_id: UUID
    at: datetime
    tries: int
    tried_at: datetime | None
    next_try_at: datetime | None
    status: int | None = Field(description="对方最近的应答。What the receiver answered last.")
    fault: str | None = Field(description="失败原因代码。Why the last try failed.")

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """The delivery as its seeker sees it."""
        pending = delivery.state is DeliveryState.PENDING
        return cls(
            n=delivery.seq,
            state=delivery.state,
            kind=delivery.kind,
            match_id=delivery.match_id,
            at=delivery.at,
            tries=delivery.tries,
            tried_at=delivery.tried_at,
            next_try_at=delivery.due_at if pending else None,
            status=delivery.status,
            fault=delivery.fault,
        )


def add_routes(
    router: APIRouter,
    db: Database,
    *,
    clock: Callable[[], datetime],
    new_secret: NewSecret,
    allow_private: bool,
    wake: Callable[[], None],
) -> None:
    """Add the routes to the router. wake: something may be due for sending."""

    async def known(seeker_id: OwnId) -> SeekerId:
        with refusals():
            await ensure_known(db, seeker_id)
        return seeker_id

    Known = Annotated[SeekerId, Depends(known)]  # noqa: N806 (a type)

    @router.put(
        "/{seeker_id}/webhook",
        responses={201: {"model": WebhookOut, "description": "It is new."}},
        summary="设置通知推送 Have notifications posted to a URL",
    )
    async def put(response: Response, seeker_id: Known, body: WebhookIn) -> WebhookOut:
        """Signed after Standard Webhooks. Another URL gets another secret, shown in this answer."""
        with refusals():
            done = await actions.set_webhook(
                db,
                seeker_id,
                body.url,
                clock(),
                new_secret=new_secret,
                renew_secret=body.renew_secret,
                allow_private=allow_private,
            )
        response.status_code = 201 if done.created else 200
        return WebhookOut.of(done.webhook, with_secret=done.new_secret)

    @router.get("/{seeker_id}/webhook", summary="查看通知推送 One's webhook, without its secret")
    async def get(seeker_id: OwnId) -> WebhookOut:
        """404 where none is set."""
        with refusals():
            return WebhookOut.of(await actions.get_webhook(db, seeker_id))

    @router.delete(
        "/{seeker_id}/webhook", status_code=204, summary="取消通知推送 Remove one's webhook"
    )
    async def delete(seeker_id: Known) -> None:
        """With all that was on its way. Removing twice is as removing once."""
        await actions.remove_webhook(db, seeker_id)

    @router.get(
        "/{seeker_id}/webhook/deliveries",
        responses={200: {"headers": _LINK}},
        summary="推送记录 What was or is being sent, newest first",
    )
    async def list_deliveries(  # noqa: PLR0917 (FastAPI names them all)
        request: Request,
        response: Response,
        seeker_id: OwnId,
        state: StateFilter = None,
        cursor: CursorText = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Page[DeliveryOut]:
        """Pending ones are tried again by themselves; dead ones have used up their tries."""
        within = f"{seeker_id}:{state or ''}"
        before = None if cursor is None else _CURSOR.decode(cursor, within=within)
        with refusals():
            found = await actions.list_deliveries(
                db, seeker_id, state=state, before=before, limit=limit + 1
            )
        items, following = found[:limit], None
        if len(found) > limit:
            following = _CURSOR.encode(items[-1].seq, within=within)
            response.headers["Link"] = next_link(request, following)
        return Page(items=[DeliveryOut.of(delivery) for delivery in items], next=following)

    @router.post(
        "/{seeker_id}/webhook/deliveries/{n}/replay",
        status_code=202,
        summary="重新推送 Send one again",
    )
    async def replay(seeker_id: OwnId, n: Seq) -> DeliveryOut:
        """With the same webhook-id, and all its tries. One that is pending stays as it is."""
        with refusals():
            delivery = await actions.replay_delivery(db, seeker_id, n, clock())
        wake()
        return DeliveryOut.of(delivery)
