"""Problem details (RFC 9457), in Chinese or English: the one shape of every refusal.

Which rule was broken is said where it is broken, by raising Problem; what pydantic found is put
into words in kit.wordings.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, NotRequired, TypedDict

import asyncpg
import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from services.kit.database import DatabaseUnavailable
from services.kit.telemetry import current_trace
from services.kit.wordings import FieldFault, Language, faults_of

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_MAX_ERRORS = 100


class FieldError(TypedDict):
    """One fault in what was sent.

    pointer: JSON Pointer (RFC 6901) into the body, "" for the whole; or parameter and where for
    one in the address or the headers. zh, en: what is wrong and how to mend it.
    """

    pointer: NotRequired[str]
    parameter: NotRequired[str]
    where: NotRequired[Literal["query", "path", "header", "cookie"]]
    zh: str
    en: str


class Problem(HTTPException):
    """A refusal that the caller can understand. Raise it anywhere below the door.

    code: lower_snake, names the broken rule; becomes `urn:rengang:problem:<code>`.
    zh, en: what happened and what to do, one or two sentences. errors: one entry a fault.
    headers: sent along, e.g. Retry-After. extra: further members of the problem object.

    It is an HTTPException because FastAPI lets only those pass where it reads a body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        *,
        zh: str,
        en: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(status, detail=en, headers=dict(headers or {}))
        self.status = status
        self.code = code
        self.zh = zh
        self.en = en
        self.errors = tuple(errors)
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.en}"


_TITLES: dict[int, tuple[str, str]] = {
    400: ("请求格式有误", "Bad request"),
    401: ("需要有效的令牌", "Not authenticated"),
    403: ("没有权限", "Not allowed"),
    404: ("没有找到", "Not found"),
    405: ("不支持该方法", "Method not allowed"),
    406: ("无法提供所要的格式", "Not acceptable"),
    408: ("请求超时", "Request timed out"),
    409: ("与当前状态冲突", "Conflict"),
    410: ("已不存在", "Gone"),
    412: ("内容已被更改", "Changed in the meantime"),
    413: ("内容过大", "Too large"),
    415: ("不支持的内容类型", "Content type not supported"),
    422: ("内容不符合要求", "Content not accepted"),
    428: ("缺少前提条件", "Precondition required"),
    429: ("请求过多", "Too many requests"),
    500: ("服务器内部错误", "Internal error"),
    503: ("暂时不可用", "Temporarily unavailable"),
}

_PLAIN: dict[int, tuple[str, str]] = {
    404: (
        "没有找到：这里没有内容，或者不属于您。",
        "Not found: there is nothing here, or it is not yours.",
    ),
    405: (
        "此地址不支持该方法；可用的方法见 Allow 头。",
        "This address does not take that method; the header Allow lists those it takes.",
    ),
}


def language_of(accept_language: str | None) -> Language:
    """zh or en, by an Accept-Language header; zh where it is missing, wrong or asks for neither.

    Source: RFC 9110 §12.5.4; of equal weights the first named wins.
    """
    best: Language = "zh"
    best_weight = 0.0
    for part in (accept_language or "").split(",")[:32]:
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        language: Language | None = (
            "zh" if primary in ("zh", "*") else "en" if primary == "en" else None
        )
        weight = _weight(parameters)
        if language is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip().lower() == "q" and 0 <= weight <= 1 else 0.0


_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_STEP = re.compile(r"(?!.*[0-9]{9})[A-Za-z0-9_.~:-]*", re.ASCII)


def _shown_step(step: str) -> str:
    """A step of the path, where it is an id or a plain word: answers are kept, and what somebody
    wrote there by mistake may be a name or a number.
    """
    return step if _ID.fullmatch(step) or _STEP.fullmatch(step) else "%E2%80%A6"


def render(problem: Problem, scope: Scope) -> Response:
    """The problem as the answer to this request, in the language it asks for."""
    language = language_of(Request(scope).headers.get("accept-language"))
    trace = current_trace()
    titles = _TITLES.get(problem.status) or _phrase(problem.status)
    body: dict[str, Any] = {
        "type": f"urn:rengang:problem:{problem.code}",
        "title": titles[0 if language == "zh" else 1],
        "status": problem.status,
        "detail": problem.zh if language == "zh" else problem.en,
        "instance": "/".join(map(_shown_step, scope.get("path", "/").split("/"))),
        "trace_id": trace and trace.trace_id,
    }
    if problem.errors:
        body["errors"] = [_error_in(language, error) for error in problem.errors]
    body = {**body, **{name: held for name, held in problem.extra.items() if name not in body}}
    return Response(
        orjson.dumps(body, default=str),
        problem.status,
        {
            **(problem.headers or {}),
            "Content-Language": language,
            "Vary": "Accept-Language",
            "Cache-Control": "no-store",
        },
        MEDIA_TYPE,
    )


def _phrase(status: int) -> tuple[str, str]:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = str(status)
    return phrase, phrase


def _error_in(language: Language, error: FieldError) -> dict[str, Any]:
    place = {key: value for key, value in error.items() if key not in ("zh", "en")}
    return {**place, "detail": error["zh"] if language == "zh" else error["en"]}


def field_error(fault: FieldFault) -> FieldError:
    """A fault that pydantic found, as an entry of `errors`."""
    match fault.where:
        case "query" | "path" | "header" | "cookie" as where:
            name = fault.pointer.removeprefix("/")
            return {"parameter": name, "where": where, "zh": fault.zh, "en": fault.en}
        case _:
            return {"pointer": fault.pointer, "zh": fault.zh, "en": fault.en}


def field_errors(error: ValidationError, value: object, *, repeat: bool = True) -> list[FieldError]:
    """What is wrong with a value that was validated by hand, as entries of `errors`.

    repeat: whether they may hold what was sent.
    """
    faults = faults_of(error.errors(), value, where="body", repeat=repeat)
    return [field_error(fault) for fault in faults]


def not_found() -> Problem:
    """The one answer for an unknown id, a foreign id and an unknown address."""
    zh, en = _PLAIN[404]
    return Problem(404, "not_found", zh=zh, en=en)


def content_not_accepted(errors: Sequence[FieldError]) -> Problem:
    """422 with an entry for each fault, the first hundred of them."""
    return Problem(
        422,
        "content_not_accepted",
        zh=f"有 {len(errors)} 处不符合要求，见 errors。",
        en=f"{len(errors)} part(s) were not accepted; see errors.",
        errors=errors[:_MAX_ERRORS],
    )


def database_unavailable() -> Problem:
    """503: the service's own database does not answer now."""
    return Problem(
        503,
        "database_unavailable",
        zh="数据库暂时没有响应。请稍后重试；写入时请带同一个 Idempotency-Key。",
        en="The database does not answer now; repeat the request later, with the same "
        "Idempotency-Key if it writes.",
        headers={"Retry-After": "2"},
    )


def internal_error() -> Problem:
    """500 that shows nothing of the inside; the trace id finds the log line."""
    return Problem(
        500,
        "internal_error",
        zh="服务器内部出错。请稍后重试；如仍出错，请把 trace_id 告诉运维人员。",
        en="Something broke inside. Try again later; if it stays, give the operator the trace_id.",
    )


def install(app: FastAPI) -> None:
    """Answer every refusal of this app with a problem."""
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    for gone in _GONE:
        app.add_exception_handler(gone, _on_database_gone)


# What asyncpg raises past kit.database, from a connection that broke in mid-use.
_GONE: tuple[type[Exception], ...] = (
    DatabaseUnavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    match error:
        case Problem():
            return render(error, request.scope)
        case HTTPException(status_code=status, detail=detail, headers=headers):
            headers = dict(headers or {})
            if status == HTTPStatus.METHOD_NOT_ALLOWED:
                headers["Allow"] = ", ".join(_methods_at(request))
            zh, en = _PLAIN.get(status) or (_TITLES.get(status, (detail, ""))[0] + "。", detail)
            code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
            return render(Problem(status, code, zh=zh, en=en, headers=headers), request.scope)
    raise error


def _methods_at(request: Request) -> list[str]:
    """Every method of this address: Starlette names only the first route's (RFC 9110 §15.5.6)."""
    path = request.scope["path"]
    return sorted(
        {
            method
            for route in iter_route_contexts(request.app.routes)
            if (regex := getattr(route, "path_regex", None)) is not None and regex.match(path)
            for method in route.methods or ()
        }
    )


async def _on_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    repeat = getattr(request.app.state, "repeats_input", True)
    faults = faults_of(error.errors(), error.body, repeat=repeat)
    problem = content_not_accepted([field_error(fault) for fault in faults])
    return render(problem, request.scope)


async def _on_database_gone(request: Request, error: Exception) -> Response:
    log.warning("http.database_unavailable", reason=f"{type(error).__name__}: {error}")
    return render(database_unavailable(), request.scope)


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. Text in the language of Accept-Language (zh, or en).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:rengang:problem:content_not_accepted"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do."},
        "instance": {"type": "string"},
        "trace_id": {"type": ["string", "null"], "description": "Finds the request in the logs."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer into the body."},
                    "parameter": {"type": "string"},
                    "where": {"enum": ["query", "path", "header", "cookie"]},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
"""JSON Schema of what render() writes, for the OpenAPI documents."""
