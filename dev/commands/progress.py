"""How a start looks: a table that fills on a terminal, a line an event elsewhere.

It shows a StackState, whoever keeps it: this process or one in the background.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from dev.stack.state import PartState, Phase, StackState

_QUIET_S = 10.0
_SETTLED = (Phase.READY, Phase.DONE)
_TROUBLE = (Phase.RESTARTING, Phase.UNREADY, Phase.FAILED)
_BUSY = (Phase.PREPARING, Phase.STARTING, Phase.STOPPING)
_MARKS = {
    Phase.WAITING: ("·", "dim"),
    Phase.READY: ("✓", "green"),
    Phase.DONE: ("✓", "green"),
    Phase.UNREADY: ("!", "yellow"),
    Phase.RESTARTING: ("!", "yellow"),
    Phase.FAILED: ("✗", "red"),
    Phase.STOPPED: ("·", "dim"),
}


class Progress(Protocol):
    """Shows a start or a stop."""

    def show(self, state: StackState) -> None:
        """The state is now this."""

    def __enter__(self) -> "Progress": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def on(console: Console) -> Progress:
    """The display that fits where the output goes."""
    return Screen(console) if console.is_terminal else Lines(print_line(console))


def print_line(console: Console) -> Callable[[str], None]:
    """Prints at once, also into a pipe."""

    def line(text: str) -> None:
        console.print(Text(text), soft_wrap=True)
        console.file.flush()

    return line


class Lines:
    """A line for each part that is ready, done or in trouble, and one when nothing happens."""

    def __init__(self, line: Callable[[str], None]) -> None:
        self._line = line
        self._said: dict[str, tuple[Phase, str]] = {}
        self._last = time.monotonic()

    def show(self, state: StackState) -> None:
        for part in state.parts:
            now = (part.phase, part.why if part.phase in _TROUBLE else "")
            if part.phase in _SETTLED + _TROUBLE and self._said.get(part.name) != now:
                self._said[part.name] = now
                self._print(_sentence(part))
        busy = [
            f"{part.name} ({part.why})" if part.why else part.name
            for part in state.parts
            if part.phase in _BUSY
        ]
        if busy and time.monotonic() - self._last > _QUIET_S:
            self._print(f"still busy: {', '.join(busy)}")

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def _print(self, text: str) -> None:
        self._last = time.monotonic()
        self._line(text)


class Screen:
    """A table of all parts, drawn again as they change."""

    def __init__(self, console: Console) -> None:
        self._state = StackState()
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=8, transient=False
        )

    def show(self, state: StackState) -> None:
        self._state = state

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def _table(self) -> RenderableType:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for part in self._state.parts:
            mark = self._mark(part)
            took = f"{part.took_s:.1f} s" if part.took_s and part.phase in _SETTLED else ""
            table.add_row(mark, part.name, _short(part), Text(took, "dim"))
        return table

    def _mark(self, part: PartState) -> RenderableType:
        if part.phase in _MARKS:
            return Text(*_MARKS[part.phase])
        return self._spinner


def _short(part: PartState) -> Text:
    if part.phase in _SETTLED:
        return Text(part.address or part.why)
    words = part.why.splitlines()[0] if part.why else ""
    if part.phase in (Phase.WAITING, Phase.STOPPED):
        return Text(part.phase.value, "dim")
    return Text(f"{part.phase.value} {words}".strip(), "red" if part.phase is Phase.FAILED else "")


def _sentence(part: PartState) -> str:
    took = f" ({part.took_s:.1f} s)" if part.took_s is not None else ""
    match part.phase:
        case Phase.READY:
            return f"{part.name}: ready at {part.address}{took}"
        case Phase.DONE:
            return f"{part.name}: {part.why}{took}"
        case _:
            return f"{part.name}: {part.phase.value}{f', {part.why}' if part.why else ''}"
