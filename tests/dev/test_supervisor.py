"""The supervisor: what dies comes back, what must end ends, and nothing is left behind."""

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace

import pytest

from dev.stack import process, state
from dev.stack.folder import DataFolder
from dev.stack.process import Identity
from dev.stack.program import Errand, StackFailed
from dev.stack.state import Phase
from tests.dev.programs import apart, dying, listening, program, stack


async def test_a_killed_process_is_started_again_and_counted(folder: DataFolder) -> None:
    running = stack(folder, (listening("one"),))
    await running.start()
    try:
        one = running.process("one")
        first = one.pid
        one.kill()
        await one.ready(20)
        assert one.pid not in (first, None)
        assert one.restarts == 1
        seen = state.load(folder)
        assert seen is not None
        assert (seen.part("one").pid, seen.part("one").restarts) == (one.pid, 1)
    finally:
        await running.stop()


async def test_a_stopped_process_stays_away_until_it_is_started(folder: DataFolder) -> None:
    running = stack(folder, (listening("one"), listening("two")))
    await running.start()
    try:
        one = running.process("one")
        await one.stop()
        assert one.pid is None
        assert running.state.part("one").phase is Phase.STOPPED
        assert running.state.part("two").phase is Phase.READY
        one.start()
        await one.ready(20)
        assert one.restarts == 0
    finally:
        await running.stop()


async def test_a_program_that_keeps_dying_fails_the_start_with_its_last_words(
    folder: DataFolder,
) -> None:
    running = stack(folder, (listening("sound"),), (dying("broken", "my table is missing"),))
    with pytest.raises(
        StackFailed, match=r"(?s)broken: ended with exit code 3.*my table is missing"
    ):
        await running.start()
    assert running.state.phase is Phase.FAILED
    assert [part.pid for part in running.state.programs] == [None, None]
    assert not folder.in_use


async def test_a_program_that_never_gets_ready_is_named_with_what_it_waits_for(
    folder: DataFolder,
) -> None:
    waiting = listening("waiting", "unready", body='{"checks": {"kafka": "failed", "a": "ok"}}')
    running = stack(folder, (replace(waiting, ready_within_s=1.0),))
    with pytest.raises(StackFailed, match=r"waiting was not ready after 1 s: .*503 \(kafka\)"):
        await running.start()


async def test_a_later_stage_starts_after_the_earlier_is_ready_and_ends_before_it(
    folder: DataFolder,
) -> None:
    order: list[tuple[str, Phase]] = []
    running = stack(folder, (listening("first"),), (listening("second"),))
    running.on_change = lambda seen: order.extend(
        (part.name, part.phase) for part in seen.parts if (part.name, part.phase) not in order
    )
    await running.start()
    await running.stop()
    assert order.index(("first", Phase.READY)) < order.index(("second", Phase.PREPARING))
    assert order.index(("second", Phase.STOPPED)) < order.index(("first", Phase.STOPPING))


async def test_what_stands_under_others_is_ended_after_those_of_its_stage(
    folder: DataFolder,
) -> None:
    order: list[tuple[str, Phase]] = []
    ground = replace(listening("ground"), stands_under_others=True)
    running = stack(folder, (ground, listening("leaning")))
    running.on_change = lambda now: order.extend((part.name, part.phase) for part in now.programs)
    await running.start()
    await running.stop()
    assert order.index(("leaning", Phase.STOPPED)) < order.index(("ground", Phase.STOPPING))


async def test_a_process_that_ignores_the_stop_signal_is_ended_all_the_same(
    folder: DataFolder,
) -> None:
    running = stack(folder, (listening("stubborn", "stubborn"),))
    await running.start()
    pid = running.process("stubborn").pid
    assert pid is not None
    await running.stop()
    assert process.born(pid) is None


async def test_a_preparation_that_fails_is_the_reason(folder: DataFolder) -> None:
    def before() -> None:
        raise OSError("no room on the disk")

    running = stack(folder, (program("one", ["pass"], port=1, before=before),))
    with pytest.raises(StackFailed, match="one: no room on the disk"):
        await running.start()


async def test_an_errand_is_run_between_and_says_what_it_did(folder: DataFolder) -> None:
    async def run(say: object) -> str:
        return "5 made"

    running = stack(folder, (listening("one"),), (Errand("tables", run),))
    await running.start()
    try:
        part = running.state.part("tables")
        assert (part.phase, part.why) == (Phase.DONE, "5 made")
    finally:
        await running.stop()


@pytest.mark.parametrize("vital", [True, False])
async def test_only_a_vital_errand_stops_the_start(folder: DataFolder, vital: bool) -> None:
    async def run(say: object) -> str:
        raise StackFailed("no luck")

    running = stack(folder, (Errand("luck", run, vital=vital),), (listening("one"),))
    if vital:
        with pytest.raises(StackFailed, match="no luck"):
            await running.start()
    else:
        await running.start()
        assert running.state.notices == ["no luck"]
        await running.stop()


async def test_two_stacks_side_by_side_do_not_see_each_other(
    folder: DataFolder, other_folder: DataFolder
) -> None:
    one, other = stack(folder, (listening("a"),)), stack(other_folder, (listening("a"),))
    await asyncio.gather(one.start(), other.start())
    try:
        one.process("a").kill()
        await one.process("a").ready(20)
        await one.stop()
        assert other.state.part("a").phase is Phase.READY
        assert other.process("a").restarts == 0
        assert other_folder.in_use
        assert not folder.in_use
    finally:
        await other.stop()


async def test_a_folder_runs_one_stack_at_a_time(folder: DataFolder) -> None:
    running = stack(folder, (listening("one"),))
    await running.start()
    try:
        with pytest.raises(StackFailed, match="already running"):
            await stack(DataFolder(folder.path), (listening("one"),)).start()
    finally:
        await running.stop()


async def test_what_a_killed_stack_left_is_ended_at_the_next_start(folder: DataFolder) -> None:
    with apart("-c", "import time; time.sleep(600)") as left:
        _write_state(folder, left.pid, process.born(left.pid))
        running = stack(folder, (listening("one"),))
        await running.start()
        await running.stop()
        assert left.wait(10) == -signal.SIGTERM
    assert running.state.notices == ["ended what a killed stack left: one"]


async def test_another_process_with_a_recorded_pid_is_left_alone(folder: DataFolder) -> None:
    with apart("-c", "import time; time.sleep(600)") as bystander:
        _write_state(folder, bystander.pid, "some other boot:1")
        assert await state.end_strays(folder) == []
        assert bystander.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_processes_do_not_outlive_their_supervisor(
    folder: DataFolder, number: signal.Signals
) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from dev.stack.folder import DataFolder\n"
        "from tests.dev.programs import listening, stack\n"
        "async def main():\n"
        "    await stack(DataFolder(Path(sys.argv[1])), (listening('one'),)).start()\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with apart("-c", script, folder.path) as supervisor:
        child = await _child_of(folder)
        supervisor.send_signal(number)
    deadline = time.monotonic() + 10
    while child.alive() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    ended_by_the_kernel = not child.alive()
    # Where the kernel does not do it, the next start does.
    await state.end_strays(folder)
    assert not child.alive()
    assert ended_by_the_kernel or sys.platform != "linux"


async def _child_of(folder: DataFolder) -> Identity:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        seen = state.load(folder)
        if seen is not None and seen.phase is Phase.READY:
            part = seen.part("one")
            assert part.pid is not None
            assert part.born is not None
            return Identity(part.pid, part.born)
        await asyncio.sleep(0.05)
    raise AssertionError("the stack did not get ready")


def _write_state(folder: DataFolder, pid: int, born: str | None) -> None:
    part = state.PartState("one", "program", Phase.READY, pid=pid, born=born)
    supervisor = process.identity(os.getpid())
    state.save(folder, state.StackState(Phase.READY, supervisor=supervisor, parts=[part]))
