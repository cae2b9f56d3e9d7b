"""Event streams that end when the service stops, so that stopping does not wait for browsers."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.observe import is_event_stream


class Stream:
    """An answer that may turn out to be an event stream; made in the task that answers."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self.is_ended = False
        self.is_complete = False

    def end(self) -> None:
        """Have the task leave what it waits for."""
        if not self.is_ended and self._task is not None:
            self.is_ended = True
            self._task.cancel()

    def take_back(self) -> bool:
        """The task has left: it was not itself to be cancelled. False where it was, besides."""
        return not (self.is_ended and self._task is not None and self._task.uncancel())


class Streams:
    """The event streams that are open in this process."""

    def __init__(self) -> None:
        self._open: set[Stream] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: Stream) -> None:
        """Remember a stream; once end_all() was called it ends at once."""
        self._open.add(stream)
        if self._ended:
            stream.end()

    def discard(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        self._open.discard(stream)

    def end_all(self) -> None:
        """End every stream properly: its last chunk is sent, the reader may reconnect elsewhere."""
        self._ended = True
        for stream in list(self._open):
            stream.end()


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
        # Not an anyio.CancelScope: entering one takes longer than all else here, and each answer
        # passes. A stream is ended while its task waits inside, so the cancellation arrives there.
        stream = Stream()

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                if is_event_stream(message.get("headers", ())):
                    self._streams.add(stream)
            else:
                stream.is_complete = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, watching)
            stream.take_back()
        except asyncio.CancelledError:
            if not (stream.is_ended and stream.take_back()):
                raise
            if not stream.is_complete:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._streams.discard(stream)
