"""Work that is repeated for as long as a service runs.

What is due, and when it is late, is for the work itself to say.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter, Histogram

from services.kit.telemetry import start_trace

log = structlog.get_logger(__name__)

RUNS = Counter("rengang_periodic_runs_total", "Runs of periodic work", ["task", "outcome"])
SECONDS = Histogram("rengang_periodic_seconds", "Duration of periodic work", ["task"])

_JITTER = 0.1


async def run_every(
    interval_s: float, coroutine_fn: Callable[[], Awaitable[object]], name: str
) -> None:
    """Call coroutine_fn now and then every interval_s (±10 %, so that replicas spread out).

    A failing run is logged and counted, and the next one comes as if it had not failed; runs
    never overlap. Ends only by being cancelled.
    """
    while True:
        with start_trace(None), SECONDS.labels(name).time():
            try:
                await coroutine_fn()
            except Exception:
                RUNS.labels(name, "failed").inc()
                log.exception("periodic.failed", task=name)
            else:
                RUNS.labels(name, "done").inc()
        await asyncio.sleep(interval_s * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311
