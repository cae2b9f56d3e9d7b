"""The routes for one posting and for an employer's list of them.

Many postings at once are taken in imports.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from contracts.values import EmployerId, PostingId, PostingStatus
from services.kit.auth import Caller, Role, require
from services.kit.database import Database
from services.kit.etag import IfMatch, format_etag, if_match, not_modified
from services.kit.idempotency import IdempotencyKeyHeader, run_idempotent
from services.kit.paging import DEFAULT_LIMIT, Cursor, CursorText, Limit, Page, next_link
from services.postings import actions
from services.postings.actions import NewId
from services.postings.api.refusals import refusals
from services.postings.api.shapes import PostingIn, PostingOut
from services.postings.domain.postings import Posting

Employer = Annotated[Caller, Depends(require(Role.EMPLOYER))]
EmployerOrOperator = Annotated[Caller, Depends(require(Role.EMPLOYER, Role.OPERATOR))]
Condition = Annotated[IfMatch, Depends(if_match)]
StatusFilter = Annotated[
    PostingStatus | None, Query(description="只看某一状态。Those in one status only.")
]

_ETAG = {"ETag": {"description": 'The version, as in "3".', "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "The posting's address.", "schema": {"type": "string"}}}
_LINK = {"Link": {"description": "The next page (RFC 8288).", "schema": {"type": "string"}}}
_CURSOR: Cursor[UUID] = Cursor("postings", UUID)


def add_routes(
    router: APIRouter, db: Database, *, clock: Callable[[], datetime], new_id: NewId
) -> None:
    """Add the routes to the router."""

    @router.post(
        "",
        status_code=201,
        response_model=PostingOut,
        responses=_answer(201, _ETAG | _LOCATION),
        dependencies=[IdempotencyKeyHeader],
        summary="发布岗位 Publish a posting",
    )
    async def publish(request: Request, caller: Employer, body: PostingIn) -> Response:
        """A reference that this employer uses already is refused with 409, naming the posting."""

        async def write(joined: Database) -> Response:
            posting = await actions.publish_posting(
                joined,
                EmployerId(caller.subject),
                body.offer(),
                clock(),
                reference=body.reference,
                new_id=new_id,
            )
            return _shown(posting, 201, {"Location": f"{request.url.path}/{posting.posting_id}"})

        with refusals():
            return await run_idempotent(db, request, caller, write)

    @router.get(
        "",
        response_model=Page[PostingOut],
        responses=_answer(200, _LINK),
        summary="本单位的岗位 One's own postings, newest first",
    )
    async def list_own(  # noqa: PLR0917 (FastAPI names them all)
        request: Request,
        response: Response,
        caller: Employer,
        status: StatusFilter = None,
        cursor: CursorText = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Page[PostingOut]:
        """Pages are stable: what is published meanwhile comes before the first page."""
        within = status or ""
        before = None if cursor is None else PostingId(_CURSOR.decode(cursor, within=within))
        found = await actions.list_postings(
            db, EmployerId(caller.subject), status=status, before=before, limit=limit + 1
        )
        items, more = found[:limit], len(found) > limit
        following = _CURSOR.encode(items[-1].posting_id, within=within) if more else None
        if following is not None:
            response.headers["Link"] = next_link(request, following)
        return Page(items=[PostingOut.of(posting) for posting in items], next=following)

    @router.get(
        "/{posting_id}",
        response_model=PostingOut,
        responses=_answer(200, _ETAG),
        summary="查看岗位 One posting",
    )
    async def get(request: Request, caller: EmployerOrOperator, posting_id: UUID) -> Response:
        """An employer sees its own; an operator sees any."""
        owner = EmployerId(caller.subject) if caller.role is Role.EMPLOYER else None
        with refusals():
            posting = await actions.get_posting(db, PostingId(posting_id), owner)
        return not_modified(request, posting.version) or _shown(posting)

    @router.put(
        "/{posting_id}",
        response_model=PostingOut,
        responses=_answer(200, _ETAG),
        dependencies=[IdempotencyKeyHeader],
        summary="修订岗位 Revise an open posting",
    )
    async def revise(
        request: Request, caller: Employer, posting_id: UUID, condition: Condition, body: PostingIn
    ) -> Response:
        """The body takes the place of all that was said; what says nothing new keeps the version.

        A closed posting is refused with 409, whatever the version.
        """

        async def write(joined: Database) -> Response:
            posting = await actions.revise_posting(
                joined,
                PostingId(posting_id),
                EmployerId(caller.subject),
                body.offer(),
                clock(),
                if_match=condition,
                reference=body.reference,
            )
            return _shown(posting)

        with refusals():
            return await run_idempotent(db, request, caller, write)

    @router.post(
        "/{posting_id}/close",
        response_model=PostingOut,
        responses=_answer(200, _ETAG),
        dependencies=[IdempotencyKeyHeader],
        summary="关闭岗位 Take a posting off the market, for good",
    )
    async def close(
        request: Request, caller: Employer, posting_id: UUID, condition: Condition
    ) -> Response:
        """A posting that is closed already is answered as it stands, whatever the version."""

        async def write(joined: Database) -> Response:
            posting = await actions.close_posting(
                joined,
                PostingId(posting_id),
                EmployerId(caller.subject),
                clock(),
                if_match=condition,
            )
            return _shown(posting)

        with refusals():
            return await run_idempotent(db, request, caller, write)


def _shown(posting: Posting, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        PostingOut.of(posting).model_dump_json(),
        status,
        {"ETag": format_etag(posting.version), **(headers or {})},
        "application/json",
    )


def _answer(status: int, headers: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the headers of its answer."""
    return {status: {"headers": headers}}
