"""The HTTP door that every service opens: its app with health, metrics and documents, and serve().

Routes, and what they answer, are each service's own.
"""

import asyncio
import gc
import html
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware
from fastapi.routing import iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from services.kit import problems, telemetry
from services.kit.auth import Authenticator, roles_of
from services.kit.intake import MIB, Intake
from services.kit.observe import Observe
from services.kit.problems import Problem, not_found
from services.kit.settings import ServiceSettings
from services.kit.streams import EndStreams, Streams

log = structlog.get_logger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

_STARTUP_FAILED = 3


@dataclass(frozen=True, slots=True)
class Check:
    """Something a service cannot do without. probe: raises while that is not ready."""

    name: str
    probe: Callable[[], Awaitable[None]]


def make_app(
    *,
    title: str,
    service: str,
    description: str,
    authenticator: Authenticator,
    readiness: Sequence[Check],
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    asyncapi: Callable[[], Mapping[str, Any]] | None = None,
    max_body_bytes: int = MIB,
    repeats_input: bool = True,
) -> FastAPI:
    """The app of one service: its routers, behind the same door as every other's.

    service: its short name, in logs and metrics. readiness: what /readyz asks, all at once.
    lifespan: opens and closes what the service holds. asyncapi: makes the document of its events.
    repeats_input: whether a refusal may hold what was sent.
    """
    streams = Streams()

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with lifespan(app):
                yield
        finally:
            await authenticator.aclose()

    app = _ServiceApp(
        title=title,
        version="1",
        description=description,
        lifespan=living,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would be made from the Host header, which the caller writes.
        redirect_slashes=False,
        middleware=[
            Middleware(Observe, service=service),
            Middleware(EndStreams, streams=streams),
            Middleware(Intake, max_body_bytes=max_body_bytes),
        ],
    )
    app.state.service = service
    app.state.repeats_input = repeats_input
    app.state.authenticator = authenticator
    app.state.streams = streams
    problems.install(app)
    # The services' own first: routes are tried in order. Put in and not included, since what is
    # included is looked through twice for each request.
    for router in routers:
        app.router.routes.extend(router.routes)
    app.include_router(_public_routes(app, _Readiness(readiness), asyncapi))
    return app


def serve(app_factory: Callable[[SettingsT], FastAPI], settings: SettingsT) -> None:
    """Run a service until it is told to stop: SIGTERM or SIGINT lets requests end first.

    Exits with code 3 if the app does not start.
    """
    app = app_factory(settings)
    telemetry.configure(app.state.service, settings.log_level)
    _spare_collector()
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            # Whoever can reach the port could otherwise write the address it is seen under.
            proxy_headers=False,
            server_header=False,
            ws="none",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=20,
            h11_max_incomplete_event_size=32 * 1024,
        ),
        app.state.streams,
    )
    # uvicorn raises the signal again once all has ended; as an interrupt that would be a traceback.
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(_STARTUP_FAILED)


def _spare_collector() -> None:
    """Let the garbage collector pass over what is here for good, and come less often.

    What an app is made of, some hundred thousand objects, was walked through again and again for
    the few that each request makes, which are gone by themselves: a fifth of a short call's time,
    and the longest pauses. Cycles are still found, after 50,000 objects more than were freed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class _Server(uvicorn.Server):
    """uvicorn, ending the event streams before it waits for the open answers."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: Any = None) -> None:
        self._streams.end_all()
        await super().shutdown(sockets)


class _Readiness:
    """Asks every check at once, and remembers the answer for a moment: /readyz is public."""

    def __init__(
        self, checks: Sequence[Check], *, timeout_s: float = 2.0, remember_s: float = 1.0
    ) -> None:
        self._checks = tuple(checks)
        self._timeout_s = timeout_s
        self._remember_s = remember_s
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._answer: dict[str, str] = {}

    async def answer(self) -> dict[str, str]:
        """Each check's name with "ok" or "failed"."""
        async with self._asking:
            if time.monotonic() - self._asked_at > self._remember_s:
                states = await asyncio.gather(*map(self._ask, self._checks))
                names = (check.name for check in self._checks)
                self._answer = dict(zip(names, states, strict=True))
                self._asked_at = time.monotonic()
            return self._answer

    async def _ask(self, check: Check) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                await check.probe()
        except Exception as error:
            log.warning("http.not_ready", check=check.name, exc_info=error)
            return "failed"
        return "ok"


def _public_routes(
    app: FastAPI, readiness: _Readiness, asyncapi: Callable[[], Mapping[str, Any]] | None
) -> APIRouter:
    """What answers without a token."""
    public = APIRouter(include_in_schema=False)

    @public.get("/livez")
    async def livez() -> Response:
        """The process answers."""
        return JSONResponse({"status": "alive"})

    @public.get("/readyz")
    async def readyz() -> Response:
        """The service can do its work; otherwise which of the things it needs is not there."""
        checks = await readiness.answer()
        failed = [name for name, state in checks.items() if state != "ok"]
        if failed:
            raise Problem(
                503,
                "not_ready",
                zh=f"服务尚未就绪：{'、'.join(failed)}。",
                en=f"Not ready: {', '.join(failed)}.",
                headers={"Retry-After": "2"},
                checks=checks,
            )
        return JSONResponse({"status": "ready", "checks": checks})

    @public.get("/metrics")
    async def metrics() -> Response:
        """The counters, as Prometheus reads them."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @public.get("/openapi.json")
    async def openapi() -> Response:
        """What this service takes and answers over HTTP."""
        return JSONResponse(app.openapi())

    @public.get("/docs")
    async def docs() -> Response:
        """The OpenAPI document as a page; nothing comes from another host."""
        page = _DOCS_PAGE.format(title=html.escape(app.title))
        return Response(
            page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _CSP}
        )

    @public.get("/docs/{asset}")
    async def docs_asset(asset: str) -> Response:
        """One of the page's own files."""
        media_type = _DOCS_ASSETS.get(asset)
        if media_type is None:
            raise not_found()
        if asset == "start.js":
            content = _DOCS_START.encode()
        else:
            file = files("fastapi_offline") / "static" / asset
            content = await asyncio.to_thread(file.read_bytes)
        return Response(
            content, media_type=media_type, headers={"Cache-Control": "public, max-age=3600"}
        )

    if asyncapi is not None:
        document = asyncapi

        @public.get("/asyncapi.json")
        async def asyncapi_document() -> Response:
            """What this service reads and announces over Kafka."""
            return JSONResponse(dict(document()))

    return public


_DOCS_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
    "start.js": "text/javascript; charset=utf-8",
}
# Addresses are relative, so that the page works behind a path prefix too.
_DOCS_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_DOCS_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  showExtensions: true,
  validatorUrl: null,
});
"""
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class _ServiceApp(FastAPI):
    """FastAPI whose OpenAPI document says who may call and what a refusal looks like."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            for route in iter_route_contexts(self.routes):
                for method in route.methods or ():
                    item = document["paths"].get(route.path_format or route.path, {})
                    operation = item.get(method.lower())
                    if operation is not None:
                        _describe_refusals(operation, roles_of(route))
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
            schemas["Problem"] = problems.PROBLEM_SCHEMA
            self.openapi_schema = document
        return self.openapi_schema


def _describe_refusals(operation: dict[str, Any], roles: tuple[str, ...] | None) -> None:
    responses = operation["responses"]
    if responses.pop("422", None) is not None:
        responses["422"] = _refusal("What was sent is not accepted; see errors.")
    if roles:
        operation["x-roles"] = [str(role) for role in roles]
        sentence = f"Callers: {', '.join(roles)}."
        operation["description"] = "\n\n".join(
            filter(None, [operation.get("description"), sentence])
        )
        responses["401"] = _refusal("No valid token.")
        responses["403"] = _refusal(f"The token's role is none of: {', '.join(roles)}.")
    responses["default"] = _refusal("Any other refusal.")


def _refusal(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
