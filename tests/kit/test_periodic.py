"""Work that is repeated: it survives its failures, and ends when told to."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from services.kit.periodic import run_every
from services.kit.telemetry import current_traceparent


def runs(task: str, outcome: str) -> float:
    labels = {"task": task, "outcome": outcome}
    return REGISTRY.get_sample_value("rengang_periodic_runs_total", labels) or 0.0


async def test_it_goes_on_after_a_failure_each_run_in_its_own_trace() -> None:
    traces: list[str | None] = []
    enough = asyncio.Event()

    async def work() -> None:
        traces.append(current_traceparent())
        if len(traces) == 2:
            raise RuntimeError("this once")
        if len(traces) == 4:
            enough.set()

    task = asyncio.create_task(run_every(0.01, work, "sample-failing"))
    await asyncio.wait_for(enough.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert None not in traces
    assert len(set(traces)) == len(traces)
    assert runs("sample-failing", "failed") == 1
    assert runs("sample-failing", "done") >= 2


async def test_runs_never_overlap() -> None:
    at_work, most, times = 0, 0, 0

    async def slow() -> None:
        nonlocal at_work, most, times
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.02)
        at_work -= 1
        times += 1

    task = asyncio.create_task(run_every(0.001, slow, "sample-slow"))
    await asyncio.sleep(0.2)
    task.cancel()
    assert most == 1
    assert times > 1


async def test_it_can_be_ended_in_the_middle_of_its_work() -> None:
    begun = asyncio.Event()

    async def forever() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(run_every(60, forever, "sample-endless"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runs("sample-endless", "failed") == 0
