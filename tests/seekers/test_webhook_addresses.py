"""A webhook's address is somebody else's word: it opens no way into our network.

The rules by themselves are tested in `test_domain`.
"""

import asyncio

import httpx
import pytest

from services.kit.outgoing import Resolver
from services.seekers.actions.sender import Answer, Sender
from tests.seekers.receiver import receiving
from tests.seekers.samples import LI_NA_ID

MINE = f"/v1/seekers/{LI_NA_ID}/webhook"


async def test_a_try_that_got_no_answer_says_why() -> None:
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"SSH-2.0-x\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    resolver = Resolver(threads=1)
    sender = Sender(allow_private=True, timeout_s=5, resolve=resolver)
    async with server:
        for url, fault in (
            (f"http://127.0.0.1:{port}/", "no_http"),
            (f"https://127.0.0.1:{port}/", "tls_failed"),
            ("http://127.0.0.1:9/", "not_reached"),
            (f"http://{'x' * 64}.example/", "name_unknown"),
        ):
            assert await sender.post(url, {}, b"{}") == Answer(fault=fault)
    resolver.close()


class Resolving:
    """A name server that says something else each time."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["192.168.1.1"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["::1"],
        ["fe80::1"],
        ["fd00::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["224.0.0.1"],
        ["240.0.0.1"],
        ["93.184.215.14", "127.0.0.1"],
    ],
)
async def test_a_name_that_resolves_into_a_network_is_not_connected_to(
    addresses: list[str],
) -> None:
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        sender = Sender(allow_private=False, timeout_s=2, resolve=Resolving(addresses))
        for scheme in ("http", "https"):
            told = await sender.post(f"{scheme}://rebind.example:{port}/hook", {}, b"{}")
            assert told.fault == "address_refused"
        assert receiver.received == []


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """The name is resolved once and only by us: asked again, it may say something else."""
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        resolving = Resolving(["127.0.0.1"], ["127.0.0.2"])
        sender = Sender(allow_private=True, timeout_s=2, resolve=resolving)
        told = await sender.post(f"http://rebind.example:{port}/hook", {}, b"{}")
        assert (told.status, resolving.asked) == (204, 1)
        assert receiver.received[0].headers["host"] == f"rebind.example:{port}"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "javascript:alert(1)",
        "//a.example/",
        "https://",
        "https:///x",
        "https://user:pw@a.example/",
        "https://a.example/#x",
        "https://a.example:99999/",
        "https://a.example\\@127.0.0.1/",
        "https://例子.example/",
        "https://a.example/ x",
        "https://[::1/",
        "",
        "https://a.example/" + "x" * 2000,
    ],
)
async def test_a_url_that_cannot_be_a_webhook_is_refused(
    looking: httpx.AsyncClient, url: str
) -> None:
    given = await looking.put(MINE, json={"url": url})
    assert given.status_code == 422, given.text
    assert given.json()["errors"][0]["pointer"] == "/url"
