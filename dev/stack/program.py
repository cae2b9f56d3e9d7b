"""What a plan is made of: programs that are kept running, and errands that are run once.

Which programs there are stands in `plan`; who runs them is `supervisor`.
"""

import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dev.stack.account import Account

Probe = Callable[[], Awaitable[str | None]]
"""None when ready, else in a few words why not."""


async def _nothing_to_prepare() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Program:
    """A process that is kept running.

    command: asked for at each start, after `prepare`. address: how people reach it.
    ready_within_s: how long a start may take before it counts as failed.
    parting_signal: what it gets when the supervisor is killed; SIGKILL where a clean end could
    hang, because nobody is left to insist. tries: so many deaths before it was ever ready, and the
    start has failed; once it was ready it is started again for ever.
    """

    name: str
    command: Callable[[], Sequence[str]]
    probe: Probe
    address: str
    port: int
    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    prepare: Callable[[], Awaitable[None]] = _nothing_to_prepare
    account: Account | None = None
    stop_signal: int = signal.SIGTERM
    stop_within_s: float = 15.0
    parting_signal: int = signal.SIGKILL
    ready_within_s: float = 90.0
    stands_under_others: bool = False
    tries: int = 3


@dataclass(frozen=True, slots=True)
class Errand:
    """Something done once between the programs, every time the stack starts.

    run: is given a way to say how far it is, returns what it did, both in a few words.
    Raises StackFailed. vital: without it the stack does not start.
    """

    name: str
    run: Callable[[Callable[[str], None]], Awaitable[str]]
    vital: bool = True


Stage = tuple[Program | Errand, ...]
"""What starts together; the next stage waits until all of it is ready or done."""


class StackFailed(Exception):
    """The stack cannot start; the message names the part and says why."""
