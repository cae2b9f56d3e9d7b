"""Jobs that run beside the HTTP door for as long as the service lives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter

log = structlog.get_logger(__name__)

RESTARTED = Counter("rengang_job_restarts_total", "Background jobs begun again", ["job"])

Job = Callable[[], Awaitable[None]]


async def keep_running(name: str, job: Job) -> None:
    """Run the job for ever; when it fails or returns, log that and begin it again."""
    pause_s = 0.5
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await job()
        except Exception:
            log.exception("job.failed", job=name)
        else:
            log.warning("job.returned", job=name)
        if asyncio.get_running_loop().time() - started > 60:
            pause_s = 0.5
        RESTARTED.labels(name).inc()
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, 10)


@asynccontextmanager
async def background(**jobs: Job) -> AsyncIterator[None]:
    """Keep these jobs running inside the block; cancel them and wait for their end after it."""
    tasks = [asyncio.create_task(keep_running(name, job), name=name) for name, job in jobs.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
