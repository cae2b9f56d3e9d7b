"""What the HTTP door tells about each request: trace, log line, metrics, safe headers, last resort.

Logs and traces as such live in kit.telemetry.
"""

import time
from collections.abc import Awaitable, Callable, Iterable

import structlog
from fastapi.routing import iter_route_contexts
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.problems import internal_error, render
from services.kit.telemetry import start_trace

log = structlog.get_logger(__name__)

REQUESTS = Counter(
    "rengang_http_requests_total",
    "Requests answered; status 499 where the caller had gone",
    ["service", "method", "route", "status"],
)
SECONDS = Histogram(
    "rengang_http_request_seconds",
    "Time to the end of the answer; of an event stream, to its start",
    ["service", "method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_PROGRESS = Gauge("rengang_http_in_progress", "Requests and streams open now", ["service"])

UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_GONE = 499

_EVENT_STREAM = b"text/event-stream"

_SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Nothing here is a page unless it says so itself.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Observe:
    """The outermost ASGI middleware.

    Runs each request in a trace (the caller's, by `traceparent`), answers the traceparent, logs
    method, route template, status and time, never the path or the query: they may hold ids.
    Whatever no handler answered becomes a 500 problem, and is logged with its traceback.
    """

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._service = service
        self._templates: dict[int, str] | None = None
        self._in_progress = IN_PROGRESS.labels(service)
        # Finding a counter by its labels takes longer than counting. As many as there are routes,
        # methods and statuses.
        self._meters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = Headers(scope=scope).getlist("traceparent")
        # Several headers are no valid traceparent (W3C Trace Context §3.2).
        with start_trace(received[0] if len(received) == 1 else None) as trace:
            exchange = _Exchange(send, str(trace))
            self._in_progress.inc()
            try:
                await self._answer(scope, receive, exchange)
            finally:
                self._in_progress.dec()
                self._tell(scope, exchange)

    async def _answer(self, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        try:
            await self._app(scope, receive, exchange.send)
        except ClientDisconnect:
            exchange.status = exchange.status or _GONE
        except Exception:
            log.exception("http.failed", route=self._template(scope))
            if exchange.status is not None:
                # The answer is under way: cutting the connection is the only way left to say so.
                raise
            await render(internal_error(), scope)(scope, receive, exchange.send)

    def _tell(self, scope: Scope, exchange: "_Exchange") -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = self._template(scope)
        status = exchange.status or _GONE
        seconds = exchange.seconds()
        requests, took = self._meter(method, route, status)
        requests.inc()
        took.observe(seconds)
        say = log.debug if route in _PROBES else log.warning if status >= 500 else log.info
        say("http.request", method=method, route=route, status=status, ms=round(seconds * 1e3, 1))

    def _meter(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        meter = self._meters.get((method, route, status))
        if meter is None:
            meter = self._meters[method, route, status] = (
                REQUESTS.labels(self._service, method, route, str(status)),
                SECONDS.labels(self._service, method, route),
            )
        return meter

    def _template(self, scope: Scope) -> str:
        """The route's template with its prefixes, a bounded set, never what was asked for."""
        if self._templates is None:
            self._templates = {
                id(route.original_route): route.path_format or route.path or UNMATCHED
                for route in iter_route_contexts(scope["app"].routes)
            }
        return self._templates.get(id(scope.get("route")), UNMATCHED)


class _Exchange:
    """One answer on its way: adds the headers, remembers status and time."""

    def __init__(self, send: Callable[[Message], Awaitable[None]], traceparent: str) -> None:
        self._send = send
        self._traceparent = traceparent
        self._began = time.perf_counter()
        self._first: float | None = None
        self._stream = False
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._first = time.perf_counter()
            # As bytes, once for all: each answer passes here.
            headers = [pair for pair in message.get("headers", ()) if pair[0] != b"traceparent"]
            given = dict(headers)
            self._stream = is_event_stream(headers)
            headers.append((b"traceparent", self._traceparent.encode("ascii")))
            headers += [pair for pair in _SAFE_HEADERS if pair[0] not in given]
            if b"cache-control" not in given:
                # What is said to one caller is kept by nobody in between; with an ETag it may be
                # kept by the caller, who then asks whether it still holds.
                kept = b"private, no-cache" if b"etag" in given else b"no-store"
                headers.append((b"cache-control", kept))
            message["headers"] = headers
        await self._send(message)

    def seconds(self) -> float:
        end = self._first if self._stream and self._first else time.perf_counter()
        return end - self._began


def is_event_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether an answer with these headers (ASGI: names in lower case) is Server-Sent Events."""
    return any(
        name == b"content-type" and value.startswith(_EVENT_STREAM) for name, value in headers
    )
