"""Connections to hosts that somebody else named, without becoming their way into our network.

What is said over them stands with whoever connects.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from socket import AF_UNSPEC, SOCK_STREAM, getaddrinfo

import httpcore

from contracts.vocabulary.addresses import is_public

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host and port. Raises OSError."""


class AddressRefused(Exception):
    """The host resolves to an address that is not of the public internet."""


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


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses it has checked, not to the name: a name may resolve anew.

    allow_private: also to addresses that are not public. Raises AddressRefused as it connects.
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
        """A connection to the first address that takes one."""
        addresses = [ip_address(found) for found in await self._resolve(host, port)]
        if not self._allow_private and not all(map(is_public, addresses)):
            # One is enough: who mixes them is trying which we take.
            raise AddressRefused
        fault: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                fault = error
        raise fault

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks for."""
        await asyncio.sleep(seconds)
