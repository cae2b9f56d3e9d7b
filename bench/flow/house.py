"""The system that is measured: the local stack, and a seat for the matcher or its stand-in.

What is sent to it does not live here.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from bench.flow.backlog import Watch
from bench.flow.figures import MATCHER, PASSTHROUGH, BenchFailed
from bench.flow.wire import Door
from dev import issuer
from dev.stack import plan, state
from dev.stack.folder import DataFolder
from dev.stack.plan import Elsewhere
from dev.stack.program import Program
from dev.stack.state import PartState
from dev.stack.supervisor import Stack, Supervised

_SCRIPT = "flow-script.json"
_READY_WITHIN_S = 4 * 3600.0
"""The matcher may first have to announce all live matches of a market that was just loaded."""

NOTHING_FITS = {"MATCHER_TAU_PPM": "1000000"}
"""Settings by which the matcher takes documents in and finds no match."""


class House:
    """A running stack. The seat is empty at first."""

    def __init__(self, stack: Stack, matcher: Program) -> None:
        self._stack = stack
        self._matcher = matcher
        self._seated: Supervised | None = None

    def url(self, service: str) -> str:
        return self._stack.state.settings[f"RENGANG_{service.upper()}_URL"]

    @property
    def kafka(self) -> str:
        return self._stack.state.settings["RENGANG_KAFKA"]

    def headers(self, role: str, subject: str) -> dict[str, str]:
        """What a caller of that role sends with each request."""
        token = issuer.mint(self._stack.data, role, subject)
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def watch(self) -> Watch:
        """A look at the backlog."""
        urls = {
            name: str(self._stack.process(name).program.environment["RENGANG_DATABASE_URL"])
            for name in ("postings", "seekers")
        }
        urls["matcher"] = str(self._matcher.environment["RENGANG_DATABASE_URL"])
        return Watch(self.kafka, urls)

    def pids(self) -> dict[str, int]:
        """The processes that run now, by name."""
        return {part.name: part.pid for part in self._stack.state.programs if part.pid is not None}

    async def seat_matcher(self, settings: Mapping[str, str] | None = None) -> None:
        """Have the matcher read and announce. settings: in place of the caller's environment."""
        environment = {**self._matcher.environment, **(settings or {})}
        await self._seat(replace(self._matcher, name=MATCHER, environment=environment))
        # It serves while it still takes the matches over from other limits or another model.
        async with Door(self.url(MATCHER)) as door:
            while await self._takes_over(door):  # noqa: ASYNC110 (another process does it)
                await asyncio.sleep(0.5)

    async def seat_passthrough(self, script: Mapping[str, Any]) -> None:
        """Have the stand-in read in the matcher's place, for the matcher's group.

        So the matcher, when it is back, goes on after what the stand-in has read.
        """
        path = self._stack.data.path / "run" / _SCRIPT
        await asyncio.to_thread(path.write_text, json.dumps(script), encoding="utf-8")
        command = [sys.executable, "-m", "bench.flow.passthrough"]
        await self._seat(
            replace(
                self._matcher,
                name=PASSTHROUGH,
                command=lambda: command,
                environment={**self._matcher.environment, "PASSTHROUGH_SCRIPT": str(path)},
            )
        )

    async def leave_empty(self) -> None:
        """Have nobody read: what comes waits on the bus."""
        if self._seated is not None:
            seated, self._seated = self._seated, None
            await seated.stop()

    def check(self) -> None:
        """Raises BenchFailed where a process died and was started again."""
        fallen = [part.name for part in self._stack.state.programs if part.restarts]
        if fallen:
            raise BenchFailed(
                f"died in the middle: {', '.join(fallen)}; see the logs in its folder"
            )

    async def _takes_over(self, door: Door) -> bool:
        """Whether stored matches are not all compared with the model and limits in force yet."""
        answer = await door.get("/v1/models", self.headers("operator", "flow-bench"))
        items = orjson.loads(answer.expect(200).body)["items"]
        return any(item["progress"] is not None for item in items)

    async def _seat(self, program: Program) -> None:
        await self.leave_empty()
        parts = self._stack.state.parts
        parts[:] = [part for part in parts if part.name not in (MATCHER, PASSTHROUGH)]
        part = PartState(
            program.name, "program", address=program.address, stop_signal=int(program.stop_signal)
        )
        parts.append(part)
        folder = self._stack.data
        self._seated = Supervised(
            program,
            part,
            folder.log(program.name),
            lambda: state.save(folder, self._stack.state),
        )
        self._seated.start()
        await self._seated.ready(_READY_WITHIN_S)


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[House]:
    """The stack on that folder with an empty seat, stopped afterwards.

    With PostgreSQL's usual settings: what is acknowledged is on the disk. Raises StackFailed,
    FolderRefused.
    """
    folder = DataFolder(path)
    folder.open()
    if not folder.acquire():
        raise BenchFailed(f"a stack is already running on {folder.path}")
    try:
        await state.end_strays(folder)
        drawn = plan.make(folder, Elsewhere(), sample=False)
        matcher = next(
            part
            for stage in drawn.stages
            for part in stage
            if isinstance(part, Program) and part.name == MATCHER
        )
        stages = [tuple(part for part in stage if part is not matcher) for stage in drawn.stages]
        stack = Stack(folder, stages, settings=drawn.settings)
    except BaseException:
        folder.release()
        raise
    await stack.start()
    house = House(stack, matcher)
    try:
        yield house
    finally:
        await house.leave_empty()
        await stack.stop()
