"""Posts a message to a URL that somebody else chose, without becoming their way into our network.

What is posted, and when again, is the courier's business.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from socket import gaierror

import httpcore

from services.kit.outgoing import AddressRefused, CheckedBackend, Resolve


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try. status: as answered; fault: a stable code where it is no success."""

    status: int | None = None
    fault: str | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver has it."""
        return self.fault is None


_OF_HTTPCORE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


class Sender:
    """POSTs, over connections of its own, with the limits a stranger's server needs.

    allow_private: also to addresses that are not public (development). timeout_s: for all of a
    try, from the name's resolution to the answer's head; its body is not read. Redirects are not
    followed, proxies of the environment not used, cookies not kept.
    """

    def __init__(self, *, allow_private: bool, timeout_s: float, resolve: Resolve) -> None:
        self._timeout_s = timeout_s
        self._backend = CheckedBackend(resolve, allow_private=allow_private)
        self._tls = ssl.create_default_context()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Try once. Never raises for what the other side does."""
        head = [(name.encode(), value.encode()) for name, value in headers.items()]
        # A connection a try: each is checked as it is made, and none waits behind another.
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls, network_backend=self._backend, max_keepalive_connections=0
        )
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                pool,
                pool.stream("POST", url, headers=head, content=body) as response,
            ):
                return _judged(response.status)
        except _FAULTS as error:
            return Answer(fault=_fault(error))


_FAULTS = (OSError, AddressRefused, UnicodeError, ValueError, *_OF_HTTPCORE)


def _fault(error: BaseException) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case AddressRefused():
            return "address_refused"
        case gaierror() | UnicodeError():
            return "name_unknown"
        case httpcore.ConnectError(__context__=ssl.SSLError()):
            return "tls_failed"
        case OSError() | httpcore.NetworkError():
            return "not_reached"
        case _:
            return "no_http"


def _judged(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(status)
    if 300 <= status < 400:
        # Where to is the receiver's word, and might be an address within our network.
        return Answer(status, "redirect")
    return Answer(status, "refused" if status < 500 else "receiver_failed")
