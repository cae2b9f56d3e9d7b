"""The routes for a seeker's own profile."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.values import seeker_id_of
from services.kit.database import Database
from services.kit.etag import IfMatch, format_etag, if_match, not_modified
from services.kit.idempotency import IdempotencyKeyHeader, run_idempotent
from services.seekers.actions import profiles as actions
from services.seekers.api.callers import OwnId, Seeker
from services.seekers.api.refusals import refusals
from services.seekers.api.shapes import ProfileIn, ProfileOut
from services.seekers.domain.profile import Profile

Condition = Annotated[IfMatch, Depends(if_match)]

_ETAG = {"ETag": {"description": 'The version, as in "3".', "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "The profile's address.", "schema": {"type": "string"}}}


def add_routes(router: APIRouter, db: Database, *, clock: Callable[[], datetime]) -> None:
    """Add the routes to the router."""

    @router.post(
        "",
        status_code=201,
        response_model=ProfileOut,
        responses=_answer(201, _ETAG | _LOCATION),
        dependencies=[IdempotencyKeyHeader],
        summary="登记求职资料 Register one's profile",
    )
    async def register(request: Request, caller: Seeker, body: ProfileIn) -> Response:
        """The id follows from the account: one account, one profile. A second one is refused."""

        async def write(joined: Database) -> Response:
            profile = await actions.register(
                joined,
                seeker_id_of(caller.subject),
                body.person.person(),
                body.work.work(),
                clock(),
            )
            return _shown(profile, 201, {"Location": f"{request.url.path}/{profile.seeker_id}"})

        with refusals():
            return await run_idempotent(db, request, caller, write)

    @router.get(
        "/me",
        response_model=ProfileOut,
        responses=_answer(200, _ETAG),
        summary="我的求职资料 One's own profile, by the token alone",
    )
    async def get_me(request: Request, caller: Seeker) -> Response:
        """As GET by id, for who does not know the id yet."""
        with refusals():
            profile = await actions.get_profile(db, seeker_id_of(caller.subject))
        return not_modified(request, profile.version) or _shown(profile)

    @router.get(
        "/{seeker_id}",
        response_model=ProfileOut,
        responses=_answer(200, _ETAG),
        summary="查看求职资料 One's own profile",
    )
    async def get(request: Request, seeker_id: OwnId) -> Response:
        """Nobody else's can be read: a foreign id is answered as an unknown one."""
        with refusals():
            profile = await actions.get_profile(db, seeker_id)
        return not_modified(request, profile.version) or _shown(profile)

    @router.put(
        "/{seeker_id}",
        response_model=ProfileOut,
        responses=_answer(200, _ETAG),
        dependencies=[IdempotencyKeyHeader],
        summary="修改求职资料 Revise one's profile, or come back",
    )
    async def revise(
        request: Request, caller: Seeker, seeker_id: OwnId, condition: Condition, body: ProfileIn
    ) -> Response:
        """The body takes the place of all that was said; what says nothing new keeps the version.

        Who had withdrawn is back on the market by this.
        """

        async def write(joined: Database) -> Response:
            profile = await actions.revise(
                joined,
                seeker_id,
                body.person.person(),
                body.work.work(),
                clock(),
                if_match=condition,
            )
            return _shown(profile)

        with refusals():
            return await run_idempotent(db, request, caller, write)

    @router.delete("/{seeker_id}", status_code=204, summary="退出求职 Withdraw from the market")
    async def withdraw(seeker_id: OwnId) -> None:
        """Withdrawing twice is as withdrawing once. The profile stays, for coming back by PUT."""
        with refusals():
            await actions.withdraw(db, seeker_id, clock())


def _shown(profile: Profile, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        ProfileOut.of(profile).model_dump_json(),
        status,
        {"ETag": format_etag(profile.version), **(headers or {})},
        "application/json",
    )


def _answer(status: int, headers: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the headers of its answer."""
    return {status: {"headers": headers}}
