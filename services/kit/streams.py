"""Event streams that end when the service stops, so that stopping does not wait for browsers."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.observe import is_event_stream


class Streams:
    """The event streams that are open in this process."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: anyio.CancelScope) -> None:
        """Remember a stream; once end_all() was called it ends at once."""
        self._open.add(stream)
        if self._ended:
            stream.cancel()

    def discard(self, stream: anyio.CancelScope) -> None:
        """Forget a stream that has ended."""
        self._open.discard(stream)

    def end_all(self) -> None:
        """End every stream properly: its last chunk is sent, the reader may reconnect elsewhere."""
        self._ended = True
        for stream in list(self._open):
            stream.cancel()


class EndStreams:
    """ASGI middleware that enters each `text/event-stream` answer into Streams.

    uvicorn runs the lifespan's end only after all answers are complete, which an event stream
    never is by itself.
    """

    def __init__(self, app: ASGIApp, *, streams: Streams) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stream = anyio.CancelScope()
        complete = False

        async def watching(message: Message) -> None:
            nonlocal complete
            if message["type"] == "http.response.start":
                if is_event_stream(message.get("headers", ())):
                    self._streams.add(stream)
            else:
                complete = not message.get("more_body", False)
            await send(message)

        try:
            with stream:
                await self._app(scope, receive, watching)
        finally:
            self._streams.discard(stream)
        if stream.cancelled_caught and not complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
