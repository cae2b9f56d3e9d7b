"""Pages: a limit, an opaque cursor to the next one, and the link to it (RFC 8288).

What a page is ordered by is each list's own.
"""

import base64
import hashlib
from typing import Annotated, Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from fastapi import Query
from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request

from services.kit.problems import Problem

PositionT = TypeVar("PositionT")
ItemT = TypeVar("ItemT")

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
_FORMAT = 1
_CHECK_BYTES = 6
_MAX_CURSOR = 2000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page may hold.")]
"""Annotate a query parameter with it; its default is DEFAULT_LIMIT."""

CursorText = Annotated[
    str | None,
    Query(alias="cursor", max_length=_MAX_CURSOR, description="`next` of the page before."),
]


class Page(BaseModel, Generic[ItemT]):
    """Some items of a list. next: the cursor of the following page, null on the last."""

    items: list[ItemT]
    next: str | None = None


class Cursor(Generic[PositionT]):
    """The cursors of one list.

    kind: the list's name. position: the type of what the list is ordered by, e.g.
    tuple[datetime, UUID]; pydantic writes and reads it.
    """

    def __init__(self, kind: str, position: type[PositionT]) -> None:
        self._kind = kind
        self._position: TypeAdapter[PositionT] = TypeAdapter(position)

    def encode(self, position: PositionT, *, within: str = "") -> str:
        """The cursor of a position. within: what the list is filtered by, if anything."""
        said = self._position.dump_python(position, mode="json")
        payload = orjson.dumps({"v": _FORMAT, "p": said})
        sealed = self._check(payload, within) + payload
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def decode(self, text: str, *, within: str = "") -> PositionT:
        """The position of a cursor. Raises Problem 400 unless encode() made it for this list.

        The check tells mistakes and mixed-up lists. It is no secret: a position gives access to
        nothing, since each query is bound to its caller besides.
        """
        try:
            return self._read(text, within)
        except (ValueError, TypeError, KeyError):
            raise Problem(
                400,
                "cursor_invalid",
                zh="cursor 不是此列表给出的。请去掉 cursor，从第一页重新开始。",
                en="The cursor was not given out by this list. Leave it out to begin anew.",
                errors=[
                    {
                        "parameter": "cursor",
                        "where": "query",
                        "zh": "请原样使用上一页的 next。",
                        "en": "Use `next` of the page before as it is.",
                    }
                ],
            ) from None

    def _read(self, text: str, within: str) -> PositionT:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        check, payload = sealed[:_CHECK_BYTES], sealed[_CHECK_BYTES:]
        if len(text) > _MAX_CURSOR or check != self._check(payload, within):
            raise ValueError("not a cursor of this list")
        said = orjson.loads(payload)
        if said["v"] != _FORMAT:
            raise ValueError("a cursor of another format")
        # As JSON: texts become dates and ids again, arrays tuples.
        return self._position.validate_json(orjson.dumps(said["p"]))

    def _check(self, payload: bytes, within: str) -> bytes:
        sealed = b"\0".join((self._kind.encode(), within.encode(), payload))
        return hashlib.blake2b(sealed, digest_size=_CHECK_BYTES).digest()


def next_link(request: Request, cursor: str) -> str:
    """The value of the header Link: this request's address with the next page's cursor."""
    given = parse_qsl(request.url.query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in given if name != "cursor"])
    joined = f"{query}&" if query else ""
    path = quote(request.scope["path"], safe="/:@!$&'()*+,;=~-._")
    return f'<{path}?{joined}{urlencode({"cursor": cursor})}>; rel="next"'
