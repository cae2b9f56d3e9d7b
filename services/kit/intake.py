"""What a request must be before a handler sees it: size, pace, encoding, content type, strict JSON.

What the JSON must say stands in the models of each service.
"""

import asyncio
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi.params import Form
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit import strict_json
from services.kit.problems import Problem, render

MIB = 1024 * 1024
_DISCARD_BYTES = 16 * MIB
_DISCARD_S = 5.0
_LIMIT_KEY = "x-max-body-bytes"


def body_limit(max_bytes: int) -> dict[str, Any]:
    """For a route's `openapi_extra`: its own limit of the body, which then is documented too."""
    return {_LIMIT_KEY: max_bytes}


class Intake:
    """ASGI middleware: refuses, with a problem, what no handler could make sense of.

    max_body_bytes: where the route has no body_limit() of its own. body_timeout_s: for the whole
    body to arrive. Starlette has a body limit too, but answers in plain text where the handler
    does not read the body.
    """

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int = MIB, body_timeout_s: float = 120.0
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        body = _Body(scope, headers, receive, self._max_body_bytes, self._body_timeout_s)

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                await body.discard_rest()
            await send(message)

        refusal = _refusal_of_address(scope) or _refusal_of_encoding(headers)
        if refusal is not None:
            await render(refusal, scope)(scope, receive, answering)
            return
        await self._app(scope, body.receive, answering)


class _Body:
    """Stands where the handler reads its body, and raises a Problem instead of a bad one."""

    def __init__(
        self, scope: Scope, headers: Headers, receive: Receive, max_bytes: int, timeout_s: float
    ) -> None:
        self._scope = scope
        self._headers = headers
        self._receive = receive
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._deadline: float | None = None
        self._size = 0
        self._complete = False
        self._json: list[bytes] | None = None
        # Who waits for "100 Continue" before sending has sent nothing that could be discarded.
        self._given_up = headers.get("expect", "").lower() == "100-continue"

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        if self._deadline is None:
            self._begin()
            self._given_up = False
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self._given_up = True
            raise _too_slow(self._timeout_s) from None
        if message["type"] != "http.request":
            self._given_up = True
            return message
        chunk: bytes = message.get("body", b"")
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise too_large(self._max_bytes)
        if self._json is not None:
            self._json.append(chunk)
        if not message.get("more_body", False):
            self._complete = True
            self._check_json()
        return message

    async def discard_rest(self) -> None:
        """Read past what is left of a refused body, up to a bound, so that the refusal is read.

        A server that closes while the caller still writes resets the connection, and the answer
        is lost with it (RFC 9112 §9.6).
        """
        discarded = 0
        try:
            async with asyncio.timeout(_DISCARD_S):
                while not (self._complete or self._given_up) and discarded < _DISCARD_BYTES:
                    message = await self._receive()
                    discarded += len(message.get("body", b""))
                    self._complete = not message.get("more_body", False)
        except TimeoutError:
            self._given_up = True

    def _begin(self) -> None:
        # Only now, as the handler begins to read, is it known which route it is.
        self._deadline = asyncio.get_running_loop().time() + self._timeout_s
        route = self._scope.get("route")
        extra = getattr(route, "openapi_extra", None) or {}
        self._max_bytes = int(extra.get(_LIMIT_KEY, self._max_bytes))
        declared = self._headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            raise too_large(self._max_bytes)
        has_body = declared.isdecimal() and int(declared) > 0
        if (has_body or "transfer-encoding" in self._headers) and _wants_json(route):
            require_content_type(self._headers, "application/json")
            self._json = []

    def _check_json(self) -> None:
        if not self._json or not self._size:
            return
        try:
            strict_json.parse(b"".join(self._json))
        except strict_json.JsonFault as fault:
            place: dict[str, Any] = dict(fault.place)
            raise Problem(400, "json_malformed", zh=fault.zh, en=fault.en, **place) from None


def _wants_json(route: object) -> bool:
    field = getattr(route, "body_field", None)
    return field is not None and not isinstance(field.field_info, Form)


def require_content_type(headers: Headers, *accepted: str) -> None:
    """Raise Problem 415 unless the body is said to be of an accepted type, in UTF-8.

    accepted: lower-case media types; application/json also stands for application/…+json.
    """
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    charset = "utf-8"
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    structured = media_type.startswith("application/") and media_type.endswith("+json")
    known = media_type in accepted or (structured and "application/json" in accepted)
    if known and charset in ("utf-8", "utf8"):
        return
    names = ", ".join(accepted)
    raise Problem(
        415,
        "content_type_not_supported",
        zh=f"请求头 Content-Type 应为 {names}，编码为 UTF-8。",
        en=f"The header Content-Type must be {names}, in UTF-8.",
        headers={"Accept": names},
    )


def too_large(max_bytes: int) -> Problem:
    """413 with the limit in its text."""
    limit = f"{max_bytes // MIB} MiB" if max_bytes >= MIB else f"{max_bytes} B"
    return Problem(
        413,
        "body_too_large",
        zh=f"请求内容超过 {limit} 的上限。请分成几次发送。",
        en=f"The body is larger than {limit}. Send it in several requests.",
        headers={"Connection": "close"},
        max_bytes=max_bytes,
    )


def _too_slow(timeout_s: float) -> Problem:
    return Problem(
        408,
        "body_too_slow",
        zh=f"请求内容在 {timeout_s:g} 秒内没有收完。请重试。",
        en=f"The body did not arrive within {timeout_s:g} seconds. Try again.",
        headers={"Connection": "close"},
    )


def _refusal_of_address(scope: Scope) -> Problem | None:
    """A NUL or half a character in the address would break in the database, not at the door."""
    query: bytes = scope.get("query_string", b"")
    raw = scope.get("raw_path") or b""
    for part, zh, en in ((raw, "路径", "path"), (query, "查询参数", "query")):
        decoded = unquote_to_bytes(part)
        try:
            nul = "\0" in decoded.decode("utf-8")
        except UnicodeDecodeError:
            return Problem(
                400,
                "address_malformed",
                zh=f"{zh}不是有效的 UTF-8 百分号编码。",
                en=f"The {en} is not percent-encoded UTF-8.",
            )
        if nul:
            return Problem(
                400,
                "address_malformed",
                zh=f"{zh}中有 NUL 字符（%00），不允许。",
                en=f"The {en} holds a NUL character (%00), which is not allowed.",
            )
    return None


def _refusal_of_encoding(headers: Headers) -> Problem | None:
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return None
    return Problem(
        415,
        "content_encoding_not_supported",
        zh="请求内容不得压缩：请去掉 Content-Encoding。",
        en="Send the body without compression: leave Content-Encoding out.",
        headers={"Accept-Encoding": "identity"},
    )
