"""Our status lists: public, so that a partner can check a certificate without telling us which.

How a list is built stands in actions.listing.
"""

from contextlib import suppress

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.certificates.actions.listing import TTL_S, Listed, StatusLists
from services.certificates.domain.statuslist import MEDIA_TYPE, StatusPurpose
from services.kit.etag import format_etag, not_modified
from services.kit.problems import not_found

LIST_PATH = "/v1/status-lists/{purpose}/{number}"
PUBLIC = frozenset({LIST_PATH})

_MOST_DIGITS = 9


def routes(lists: StatusLists) -> APIRouter:
    """The route of the status lists."""
    router = APIRouter(tags=["status lists"])

    @router.get(
        LIST_PATH,
        summary="撤销与暂停名单 · revoked and suspended certificates, by their places",
        response_class=Response,
        responses={
            200: {
                "content": {MEDIA_TYPE: {}},
                "description": "A W3C BitstringStatusListCredential, signed (JOSE).",
            },
            304: {"description": "The caller has it already."},
        },
    )
    async def status_list(request: Request, purpose: str, number: str) -> Response:
        """A receipt says which list and place are its certificate's; a set bit, that it is gone."""
        listed = await _found(lists, purpose, number)
        if listed is None:
            raise not_found()
        answer = not_modified(request, listed.version) or Response(
            listed.jwt, 200, {"ETag": format_etag(listed.version)}, MEDIA_TYPE
        )
        answer.headers["Cache-Control"] = f"public, max-age={TTL_S}"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    return router


async def _found(lists: StatusLists, purpose: str, number: str) -> Listed | None:
    with suppress(ValueError):
        if number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS:
            return await lists.current(StatusPurpose(purpose), int(number))
    return None
