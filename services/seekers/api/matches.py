"""The route for a seeker's matches."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.kit.database import Database
from services.kit.paging import DEFAULT_LIMIT, Cursor, CursorText, Limit, next_link
from services.seekers.actions import matches as actions
from services.seekers.actions.profiles import ensure_known
from services.seekers.api.callers import OwnId
from services.seekers.api.refusals import refusals
from services.seekers.api.shown import MatchOut, MatchPage

_CURSOR = Cursor("seekers.matches", tuple[int, UUID, int])
_LINK = {"Link": {"description": "The next page (RFC 8288).", "schema": {"type": "string"}}}


def add_routes(router: APIRouter, db: Database) -> None:
    """Add the route to the router."""

    @router.get(
        "/{seeker_id}/matches",
        responses={200: {"headers": _LINK}},
        summary="我的匹配 One's matches, best first, explained",
    )
    async def list_matches(
        request: Request,
        response: Response,
        seeker_id: OwnId,
        cursor: CursorText = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> MatchPage:
        """Live matches that are among the seeker's best.

        Scores change while one pages; go on from `position` by the stream, and nothing is missed.
        """
        within = str(seeker_id)
        place = None if cursor is None else _CURSOR.decode(cursor, within=within)
        with refusals():
            await ensure_known(db, seeker_id)
        shown = await actions.list_matches(
            db, seeker_id, after=None if place is None else place[:2], limit=limit + 1
        )
        position = shown.position if place is None else place[2]
        items, following = shown.matches[:limit], None
        if len(shown.matches) > limit:
            last = items[-1][0]
            following = _CURSOR.encode(
                (last.score_ppm or 0, last.posting_id, position), within=within
            )
            response.headers["Link"] = next_link(request, following)
        return MatchPage(
            items=[
                MatchOut.of(
                    match.content or b"",
                    match_id=match.match_id,
                    posting_id=match.posting_id,
                    version=match.version,
                    changed_at=changed_at,
                    score_ppm=match.score_ppm,
                )
                for match, changed_at in items
            ],
            next=following,
            position=position,
        )
