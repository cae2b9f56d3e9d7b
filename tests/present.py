"""Things that stand for whatever is there now, so that one app serves many tests in turn.

To build an app of forty routes takes longer than most tests do. What a test puts behind the routes
stands in its own folder.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI


class Present:
    """Stands for what `find` finds; while that is nothing yet (LookupError), so do its parts."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        find = self._find
        try:
            found = find()
        except LookupError:
            return Present(lambda: getattr(find(), name))
        return getattr(found, name)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._find()(*args, **named)


class SharedApps:
    """Apps that are used again, each by one test at a time.

    build: makes an app of stand-ins, which are asked for by name.
    """

    def __init__(self, build: Callable[[Callable[[str], Any]], FastAPI]) -> None:
        self._build = build
        self._free: list[tuple[FastAPI, dict[str, Any]]] = []

    @contextmanager
    def used(self, **behind: Any) -> Iterator[FastAPI]:
        """An app with these behind its routes, by name."""
        app, now = self._free.pop() if self._free else self._made()
        now.update(behind)
        try:
            yield app
        finally:
            now.clear()
            self._free.append((app, now))

    def _made(self) -> tuple[FastAPI, dict[str, Any]]:
        now: dict[str, Any] = {}
        return self._build(lambda name: Present(lambda: now[name])), now
