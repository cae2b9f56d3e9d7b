"""Posts a message to a URL that somebody else chose, without becoming their way into our network.

What is posted, and when again, is the courier's business.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AF_UNSPEC, SOCK_STREAM, gaierror, getaddrinfo

import httpcore

from services.seekers.domain.webhooks import is_public

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host and port. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try. status: as answered; fault: a stable code where it is no success."""

    status: int | None = None
    fault: str | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver has it."""
        return self.fault is None


class AddressRefused(Exception):
    """The host resolves to an address that is not of the public internet."""


_OF_HTTPCORE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


class Resolver:
    """getaddrinfo in threads of its own: a name server that hangs must not fill the loop's."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: getaddrinfo(host, port, AF_UNSPEC, SOCK_STREAM)
        )
        return [str(address[0]) for *_, address in found]

    def close(self) -> None:
        """Let the threads go without waiting for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Sender:
    """POSTs, over connections of its own, with the limits a stranger's server needs.

    allow_private: also to addresses that are not public (development). timeout_s: for all of a
    try, from the name's resolution to the answer's head; its body is not read. Redirects are not
    followed, proxies of the environment not used, cookies not kept.
    """

    def __init__(self, *, allow_private: bool, timeout_s: float, resolve: Resolve) -> None:
        self._timeout_s = timeout_s
        self._backend = _CheckedBackend(resolve, allow_private=allow_private)
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


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses it has checked, not to the name: a name may resolve anew.

    Source: DNS rebinding; OWASP, Server-Side Request Forgery Prevention.
    """

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's interface)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = [ip_address(found) for found in await self._resolve(host, port)]
        if not self._allow_private and not all(map(is_public, addresses)):
            # One is enough: who mixes them is trying which we take.
            raise AddressRefused
        return await self._first(addresses, port, timeout, local_address)

    async def _first(
        self,
        addresses: list[IPv4Address | IPv6Address],
        port: int,
        timeout_s: float | None,
        local_address: str | None,
    ) -> httpcore.AsyncNetworkStream:
        fault: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(str(address), port, timeout_s, local_address)
            except httpcore.ConnectError as error:
                fault = error
        raise fault

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
