"""Runs a plan: starts what it names in order, keeps it running, and ends it in the reverse order.

What is in the plan is `plan`'s; how it looks on the screen is `dev.commands`'.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dev.stack import process, state
from dev.stack.folder import DataFolder
from dev.stack.logs import last_lines
from dev.stack.process import Child
from dev.stack.program import Errand, Program, StackFailed, Stage
from dev.stack.state import PartState, Phase, StackState

_PROBE_S = 0.1
_RECHECK_S = 2.0
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_SETTLED_S = 60.0
_CALLED_WRONGLY = 2
_QUOTED = 5

OnChange = Callable[[StackState], None]


class Supervised:
    """A program of the plan and the process that runs it now.

    Tests use it to do harm: `kill()`, then `await ready()`.
    """

    def __init__(self, program: Program, part: PartState, log: Path, changed: Callable[[], None]):
        self.program = program
        self.part = part
        self.log = log
        self._changed = changed
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._was_ready = False
        self._doomed = False
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        return self.part.pid

    @property
    def restarts(self) -> int:
        return self.part.restarts

    def start(self) -> None:
        """Begin to keep it running. Does not wait."""
        if self._keeping is None or self._keeping.done():
            self._doomed = False
            self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def ready(self, timeout_s: float | None = None) -> None:
        """Wait until it answers as ready. Raises StackFailed."""
        limit_s = self.program.ready_within_s if timeout_s is None else timeout_s
        waiting = asyncio.ensure_future(self._ready.wait())
        either: set[asyncio.Future[Any]] = {waiting, self._failure}
        try:
            await asyncio.wait(either, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._ready.is_set():
            return
        if self._failure.done():
            raise StackFailed(f"{self.program.name}: {self._failure.result()}")
        raise StackFailed(
            f"{self.program.name} was not ready after {limit_s:.0f} s: {self.part.why or 'silent'}"
            f"{self._quoted_log()}"
        )

    def kill(self) -> None:
        """SIGKILL the process as it is. It will be started again."""
        if self._child is not None and self._child.running:
            # Not ready from now on, even if a probe under way was answered before the end.
            self._doomed = True
            self._ready.clear()
            self._child.signal(signal.SIGKILL)

    async def stop(self) -> None:
        """End it and leave it ended, until start()."""
        if self._keeping is not None:
            self._say(Phase.STOPPING)
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None
        if self._child is not None:
            await self._child.stop(self.program.stop_signal, self.program.stop_within_s)
            self._child = None
        self._ready.clear()
        self._gone()
        self._say(Phase.STOPPED)

    async def _keep(self) -> None:
        deaths = 0
        while True:
            asked_at = time.monotonic()
            try:
                child = await self._start()
            except Exception as error:  # noqa: BLE001 - said to whoever waits for it
                ending = str(error) or type(error).__name__
                self._fail_start(ending, for_good=True)
            else:
                code = await self._watch(child, asked_at)
                ending = _ending(code)
                if code == _CALLED_WRONGLY:
                    # By convention: a setting is missing or wrong, and will be the next time too.
                    self._fail_start(f"{ending}{self._quoted_log()}", for_good=False)
            self._gone()
            if time.monotonic() - asked_at > _SETTLED_S:
                deaths = 0
            deaths += 1
            if deaths >= self.program.tries:
                self._fail_start(f"{ending}{self._quoted_log()}", for_good=False)
            self.part.restarts += 1
            pause_s = _BACKOFF_S[min(deaths, len(_BACKOFF_S)) - 1]
            self._say(Phase.RESTARTING, ending)
            await asyncio.sleep(pause_s)

    async def _start(self) -> Child:
        program = self.program
        self._say(Phase.PREPARING)
        await program.prepare()
        # Started and recorded without a pause between: what is not recorded cannot be ended.
        self._child = child = await process.start(
            program.command(),
            log=self.log,
            environment=program.environment,
            folder=program.folder,
            parting_signal=program.parting_signal,
            account=program.account,
        )
        self._doomed = False
        self.part.pid, self.part.born = child.identity.pid, child.identity.born
        self.part.started_at = child.started_at
        self._say(Phase.STARTING)
        return child

    async def _watch(self, child: Child, asked_at: float) -> int:
        """Probe it again and again until it ends; returns the exit code."""
        ended = asyncio.ensure_future(child.ended())
        try:
            while True:
                probing = asyncio.ensure_future(self.program.probe())
                await asyncio.wait({ended, probing}, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    probing.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await probing
                    return ended.result()
                self._judge(probing.result(), asked_at)
                await asyncio.wait(
                    {ended}, timeout=_RECHECK_S if self._ready.is_set() else _PROBE_S
                )
        finally:
            ended.cancel()

    def _judge(self, why_not: str | None, asked_at: float) -> None:
        if self._doomed:
            return
        if why_not is None:
            if not self._ready.is_set():
                if not self._was_ready:
                    self.part.took_s = round(time.monotonic() - asked_at, 2)
                self._was_ready = True
                self._ready.set()
                self._say(Phase.READY)
        else:
            self._ready.clear()
            self._say(Phase.UNREADY if self._was_ready else Phase.STARTING, why_not)

    def _gone(self) -> None:
        self._ready.clear()
        self.part.pid = self.part.born = self.part.started_at = None

    def _fail_start(self, why: str, *, for_good: bool) -> None:
        """Tell whoever waits for the first start. Later on, only keep trying."""
        if (for_good or not self._was_ready) and not self._failure.done():
            self._failure.set_result(why)

    def _say(self, phase: Phase, why: str = "") -> None:
        if (self.part.phase, self.part.why) != (phase, why) or phase is Phase.STARTING:
            self.part.phase, self.part.why = phase, why
            self._changed()

    def _quoted_log(self) -> str:
        lines = [line for line in last_lines(self.log, _QUOTED) if line.strip()]
        quoted = "".join(f"\n  {line}" for line in lines)
        return f"; its log ends with:{quoted}\n  ({self.log})" if lines else ""


class Stack:
    """A plan being run on a data folder.

    data: the folder, made if missing. on_change: called with the state at each change.
    """

    def __init__(
        self,
        data: DataFolder,
        stages: Sequence[Stage],
        *,
        settings: dict[str, str] | None = None,
        notices: Sequence[str] = (),
        on_change: OnChange = lambda state: None,
    ) -> None:
        self.data = data
        self.stages = stages
        self.state = StackState(
            supervisor=process.identity(os.getpid()),
            started_at=time.time(),
            settings=settings or {},
            notices=list(notices),
        )
        self.on_change = on_change
        self._supervised: dict[str, Supervised] = {}
        self._errands: dict[str, PartState] = {}
        for stage in stages:
            for member in stage:
                self._enter(member)

    def process(self, name: str) -> Supervised:
        """The program of that name. Raises KeyError."""
        return self._supervised[name]

    async def start(self) -> None:
        """Start everything in order and wait until it is ready.

        Raises StackFailed, after ending what was started; FolderRefused.
        """
        self.data.open()
        if not self.data.acquire():
            raise StackFailed(f"a stack is already running on {self.data.path}")
        try:
            ended = await state.end_strays(self.data)
            if ended:
                self.state.notices.append(f"ended what a killed stack left: {', '.join(ended)}")
            for stage in self.stages:
                await self._run_stage(stage)
        except BaseException as error:
            self.state.reason = str(error) or type(error).__name__
            await self.stop(Phase.FAILED)
            raise
        self.state.phase = Phase.READY
        self._changed()

    async def stop(self, into: Phase = Phase.STOPPED) -> None:
        """End everything, the last started first, and give the folder back."""
        if into is not Phase.FAILED:
            self.state.phase = Phase.STOPPING
            self._changed()
        for stage in reversed(self.stages):
            programs = [part for part in stage if isinstance(part, Program)]
            for last in (False, True):
                ending = [part for part in programs if part.stands_under_others is last]
                await asyncio.gather(*(self._supervised[part.name].stop() for part in ending))
        self.state.phase = into
        self._changed()
        self.data.release()

    def _enter(self, member: Program | Errand) -> None:
        match member:
            case Program():
                part = PartState(
                    member.name,
                    "program",
                    address=member.address,
                    stop_signal=int(member.stop_signal),
                )
                self._supervised[member.name] = Supervised(
                    member, part, self.data.log(member.name), self._changed
                )
            case Errand():
                part = PartState(member.name, "errand")
                self._errands[member.name] = part
        self.state.parts.append(part)

    async def _run_stage(self, stage: Stage) -> None:
        tasks = [asyncio.create_task(self._bring_up(member)) for member in stage]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _bring_up(self, member: Program | Errand) -> None:
        match member:
            case Program():
                supervised = self._supervised[member.name]
                supervised.start()
                await supervised.ready()
            case Errand():
                await self._run_errand(member, self._errands[member.name])

    async def _run_errand(self, errand: Errand, part: PartState) -> None:
        def say(words: str) -> None:
            part.why = words
            self._changed()

        began = time.monotonic()
        part.phase = Phase.STARTING
        say("")
        try:
            said = await errand.run(say)
        except StackFailed as error:
            part.phase = Phase.FAILED
            say(str(error))
            if errand.vital:
                raise
            self.state.notices.append(str(error))
            return
        part.phase, part.took_s = Phase.DONE, round(time.monotonic() - began, 2)
        say(said)

    def _changed(self) -> None:
        if self.data.is_ours:
            state.save(self.data, self.state)
        self.on_change(self.state)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
