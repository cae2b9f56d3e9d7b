"""Logs as JSON lines without personal data, and the W3C trace context they carry.

Request logs and metrics of the HTTP door live in kit.observe.
"""

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TextIO

import orjson
import structlog
from pydantic import ValidationError
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

# ---------------------------------------------------------------- trace context

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where in which trace we are. trace_id: 32, span_id: 16 lower-case hex digits, not all 0."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @classmethod
    def begun(cls) -> Self:
        """The first span of a new trace."""
        ids = _random_hex(24)
        trace_id, span_id = ids[:32], ids[32:]
        if trace_id == _NO_TRACE or span_id == _NO_SPAN:
            return cls.begun()
        return cls(trace_id=trace_id, span_id=span_id)

    def next_span(self) -> "TraceContext":
        """The same trace, a new span."""
        return TraceContext(self.trace_id, _random_hex(8), self.sampled)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def _random_hex(n_bytes: int) -> str:
    while True:
        digits = secrets.token_hex(n_bytes)
        if digits.strip("0"):
            return digits


def parse_traceparent(text: str | None) -> TraceContext | None:
    """The context a traceparent names, or None if it is not a valid one.

    Strict: lower-case hex, no all-zero ids, version ff refused, version 00 exactly 55 characters;
    a later version may go on after a dash.
    Source: W3C Trace Context, §3.2 and §4.
    """
    match = _TRACEPARENT.fullmatch(text or "")
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest is not None):
        return None
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, sampled=bool(int(flags, 16) & 1))


_current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)


def current_trace() -> TraceContext | None:
    """The trace this code runs in, or None outside one."""
    return _current.get()


def current_traceparent() -> str | None:
    """The traceparent of the span this code runs in, or None outside a trace."""
    trace = _current.get()
    return None if trace is None else str(trace)


def child() -> str:
    """A traceparent to send along: this trace (a new one outside a trace), a new span."""
    trace = _current.get()
    return str(TraceContext.begun() if trace is None else trace.next_span())


@contextmanager
def start_trace(parent: str | None) -> Iterator[TraceContext]:
    """Run the block in a new span: of parent's trace if that is valid, else of a new trace."""
    received = parse_traceparent(parent)
    trace = TraceContext.begun() if received is None else received.next_span()
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


# ------------------------------------------------------------------------- logs

_PERSONAL_WORDS = frozenset(
    {
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "email",
        "identity",
        "mobile",
        "name",
        "password",
        "phone",
        "secret",
        "token",
    }
)
_BLANK = "[blank]"
# A mainland mobile number, an 18-digit citizen number, a mail address: should one slip into the
# text of an error. Not inside a longer word, so that hexadecimal ids stay whole.
_PERSONAL_TEXT = re.compile(
    r"(?<![0-9A-Za-z-])(?:1[3-9]\d{9}|\d{17}[\dXx])(?![0-9A-Za-z-])"
    r"|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"
)
_OURS = frozenset(["timestamp", "level", "service", "logger", "trace_id", "span_id"])


def configure(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log of this process, ours and the libraries', to stream as JSON lines.

    service: goes into each line. level: DEBUG, INFO, WARNING or ERROR; libraries say INFO at most.
    stream: stderr if not given.
    """

    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        trace = _current.get()
        event["service"] = service
        event["trace_id"] = trace and trace.trace_id
        event["span_id"] = trace and trace.span_id
        return event

    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        stamp,
        explain_exception,
        blank_personal_data,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_as_json),
            ],
        )
    )
    # Ours go straight to the handler's stream: as records of the standard library each would take
    # twice as long, and there is one for every answer.
    structlog.configure(
        processors=[
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        logger_factory=lambda name="": _Lines(name, handler),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # uvicorn and FastStream bring handlers of their own; without them the records reach ours.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream", "aiokafka", "asyncio"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(logging.INFO, root.level))
    # httpx writes each URL it asks, with the query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class _Lines:
    """Writes lines that are made already, one at a time with those of the libraries."""

    def __init__(self, name: str, handler: "logging.StreamHandler[TextIO]") -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        handler = self._handler
        handler.acquire()
        try:
            handler.stream.write(f"{line}{handler.terminator}")
            handler.flush()
        # A reader who is gone, a stream that is closed: as the library, nobody fails for a log.
        except (OSError, ValueError):
            pass
        finally:
            handler.release()

    debug = info = warning = error = critical = msg


def _as_json(event: EventDict, **_: Any) -> str:
    # A log line must never fail: what is no JSON value is written as text, and half a character
    # (a lone surrogate, which UTF-8 cannot carry) as its escape.
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        plain = {str(key): _printable(value) for key, value in event.items()}
        return orjson.dumps(plain).decode()


def _printable(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or abs(value) < 1 << 63 else str(value)
    return str(value).encode("utf-8", "backslashreplace").decode()


def blank_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank what is known to be personal or secret, by its key or by its look, at any depth."""
    return {
        key: value if key in _OURS else _blanked(str(key), value) for key, value in event.items()
    }


# Keys are written in the code, so there are few; each line has several.
@lru_cache(maxsize=1024)
def _is_personal(key: str) -> bool:
    return not _PERSONAL_WORDS.isdisjoint(re.split(r"[^a-z]+", key.lower()))


def _blanked(key: str, value: Any) -> Any:
    if value is not None and _is_personal(key):
        return _BLANK
    match value:
        case str():
            return _PERSONAL_TEXT.sub(_BLANK, value)
        case bytes():
            return f"{len(value)} bytes"
        case dict():
            return {inner: _blanked(str(inner), held) for inner, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_blanked("", held) for held in value]
        case _:
            return value


def explain_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Turn exc_info into a list, outermost first: what was raised, its text, and where."""
    info = event.pop("exc_info", None)
    error = _exception_of(info)
    if error is not None:
        event["exception"] = [_told(raised) for raised in _chain(error)]
    return event


def _exception_of(info: bool | BaseException | ExcInfo | None) -> BaseException | None:
    match info:
        case BaseException():
            return info
        case (_, BaseException() as error, _):
            return error
        case _:
            return sys.exc_info()[1] if info else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)


def _told(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    told: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "text": _text_without_input(error),
        "at": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, BaseExceptionGroup):
        told["within"] = [_told(inner) for inner in error.exceptions]
    return told


def _text_without_input(error: BaseException) -> str:
    # pydantic's own text repeats the input, PostgreSQL's DETAIL the row: both may be personal.
    if isinstance(error, ValidationError):
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['type']}" for f in faults)
    if hasattr(error, "sqlstate"):
        return f"{error.sqlstate}: {error.args[0] if error.args else ''}"
    return str(error)


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-3:])
