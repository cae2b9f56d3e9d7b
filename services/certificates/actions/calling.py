"""Calls to partner cities over HTTP, without becoming anybody's way into our own network.

What is sent, and whether an answer may be believed, stands in adapters and domain.exchange.
"""

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import httpcore

from services.certificates.domain.cities import City, same_origin
from services.kit.outgoing import AddressRefused, CheckedBackend, Resolve

KIB = 1024


class NoAnswer(Exception):
    """The city gave no answer that can be believed. fault: a stable code; nothing of the question.

    away: whether it seems not to be there, which asking again at once would not help.
    """

    def __init__(self, fault: str, *, away: bool = True) -> None:
        super().__init__(fault)
        self.fault = fault
        self.away = away


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. headers: with names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _OtherCertificate(Exception):
    """The server showed another TLS certificate than the one that is pinned."""


class Calls:
    """HTTP to the cities in the table, and to nowhere else.

    allow_private: also to addresses that are not public (a network between the cities; tests).
    timeout_s: for all of a call, where the city has none of its own. A URL must be of the city's
    own scheme, host and port. Redirects are not followed, proxies of the environment not used,
    cookies not kept.
    """

    def __init__(self, *, allow_private: bool, timeout_s: float, resolve: Resolve) -> None:
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._pools: dict[tuple[str, str, bytes | None], httpcore.AsyncConnectionPool] = {}

    def timeout_s(self, city: City) -> float:
        """How long the city may take for an answer."""
        return city.timeout_s or self._timeout_s

    async def call(
        self,
        city: City,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most_bytes: int = 64 * KIB,
    ) -> Reply:
        """One call, whatever it is answered. Raises NoAnswer."""
        if not same_origin(url, city.base_url):
            raise NoAnswer("address_refused", away=False)
        head = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        try:
            async with (
                asyncio.timeout(self.timeout_s(city)),
                self._pool(city).stream(method, url, headers=head, content=body) as response,
            ):
                read = bytearray()
                async for chunk in response.aiter_stream():
                    read += chunk
                    if len(read) > most_bytes:
                        raise NoAnswer("too_large", away=False)
                told = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                return Reply(response.status, told, bytes(read))
        except _FAULTS as error:
            raise NoAnswer(_fault(error)) from error

    async def aclose(self) -> None:
        """Give back every connection."""
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.aclose()

    def _pool(self, city: City) -> httpcore.AsyncConnectionPool:
        key = (city.city_id, city.base_url, city.certificate_sha256)
        if key not in self._pools:
            self._pools[key] = httpcore.AsyncConnectionPool(
                ssl_context=_tls(pinned=city.certificate_sha256 is not None),
                network_backend=self._backend(city.certificate_sha256),
                max_connections=64,
                max_keepalive_connections=4,
                keepalive_expiry=10.0,
            )
        return self._pools[key]

    def _backend(self, pin: bytes | None) -> CheckedBackend:
        if pin is None:
            return CheckedBackend(self._resolve, allow_private=self._allow_private)
        return _PinningBackend(
            self._resolve, allow_private=self._allow_private, certificate_sha256=pin
        )


# Reading who is to be trusted holds up all others for a moment.
@cache
def _tls(*, pinned: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if pinned:
        # The one certificate is known by its bytes; who else vouches for it does not matter.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


_FAULTS = (
    OSError,
    ValueError,
    AddressRefused,
    _OtherCertificate,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


def _fault(error: BaseException) -> str:
    match error:
        case TimeoutError() | httpcore.TimeoutException():
            return "timeout"
        case AddressRefused():
            return "address_refused"
        case _OtherCertificate():
            return "other_certificate"
        case httpcore.ConnectError(__context__=ssl.SSLError()):
            return "tls_failed"
        case OSError() | httpcore.NetworkError():
            return "not_reached"
        case _:
            return "no_http"


class _PinningBackend(CheckedBackend):
    """Hands out connections on which the pinned TLS certificate has to be shown."""

    def __init__(self, resolve: Resolve, *, allow_private: bool, certificate_sha256: bytes) -> None:
        super().__init__(resolve, allow_private=allow_private)
        self._certificate_sha256 = certificate_sha256

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's interface)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        return _PinnedStream(stream, self._certificate_sha256)


class _PinnedStream(httpcore.AsyncNetworkStream):
    """A connection on which nothing is sent before the pinned certificate was shown."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, certificate_sha256: bytes) -> None:
        self._stream = stream
        self._certificate_sha256 = certificate_sha256

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        secure = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        shown = secure.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
        if not hmac.compare_digest(hashlib.sha256(shown).digest(), self._certificate_sha256):
            await secure.aclose()
            raise _OtherCertificate
        return secure

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
