"""Look-ups that are measured: what is drawn, how calls are sent, and what is told of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle

import pytest

from bench.certificates import drawing
from bench.certificates.drawing import Drawn, Kind
from bench.certificates.figures import (
    BARE,
    BATCHES,
    FULL,
    OURS,
    OURS_SMALL,
    BenchFailed,
    Load,
    Paced,
    Run,
    Saturated,
)
from bench.certificates.report import as_json, as_text, verdicts
from bench.certificates.sending import Call, Lines, request
from services.certificates.domain.identity import identity_number
from services.certificates.domain.numbers import NumberFormat, certificate_number


def test_each_certificate_is_somebody_elses_and_could_exist() -> None:
    lines = [drawing.line(place) for place in (*range(500), 999_999, drawing.MOST - 1)]
    for line in lines:
        assert identity_number(line["identity_number"]) == line["identity_number"]
        number = certificate_number(line["number"])
        assert (number.format, number.level) == (NumberFormat.SKILL_LEVEL, line["level"])
        assert number.issuer == line["issuer"] == drawing.ISSUER
    for field in ("number", "identity_number"):
        assert len({line[field] for line in lines}) == len(lines)


def test_a_question_must_get_the_verdict_that_its_certificate_has() -> None:
    count = 1_003
    registered = {line["number"]: line for line in map(drawing.line, range(count))}
    drawn = Drawn(count, 1)
    kinds = dict.fromkeys(Kind, 0)
    for _ in range(4_000):
        kind, item = drawn.item()
        kinds[kind] += 1
        line = registered.get(item["number"])
        if kind is Kind.NOT_FOUND:
            assert line is None
            continue
        assert line is not None
        held = all(item[name] == line[name] for name in ("holder_name", "identity_number"))
        assert held == (kind is not Kind.MISMATCH)
        if held:
            assert (line["status"] == "revoked") == (kind is Kind.REVOKED)
    assert 0.77 < kinds[Kind.VALID] / 4_000 < 0.83
    assert min(kinds.values()) > 120


@asynccontextmanager
async def answering(body: bytes, pause_s: float = 0.0) -> AsyncIterator[int]:
    """A server that answers each call so, in two pieces; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(pause_s)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                writer.write(head[:20])
                await writer.drain()
                await asyncio.sleep(0)
                writer.write(head[20:] + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


CALL = Call(request("GET", "/x", {}), b"200", b"yes", looked_up=3)


async def test_at_saturation_each_call_is_counted_with_what_it_looked_up() -> None:
    async with answering(b"yes") as port, Lines(port, 4) as lines:
        ms, looked_up = await lines.saturate(cycle([CALL]), 0.2)
    assert len(ms) > 4
    assert looked_up == 3 * len(ms)


async def test_at_a_rate_a_call_that_waits_for_a_connection_is_slow() -> None:
    async with answering(b"yes", pause_s=0.1) as port, Lines(port, 1) as lines:
        ms = await lines.at_rate(cycle([CALL]), 50, 0.2)
    assert len(ms) == 10
    # One at a time takes a second in all; the last was due after .18 s.
    assert ms[0] < 400 < ms[-1]


async def test_a_wrong_answer_ends_the_measurement() -> None:
    async with answering(b"no") as port, Lines(port, 2) as lines:
        with pytest.raises(BenchFailed, match="not the answer it should be"):
            await lines.saturate(cycle([CALL]), 0.2)


def a_run(ours: tuple[float, ...], bare: tuple[float, ...], certificates: int = FULL) -> Run:
    def saturated(what: str, rate: float) -> Saturated:
        return Saturated(what, round(rate), round(rate), 1.0, (2.0, 4.0), {"bench": 0.2})

    blocks: list[Saturated | Paced] = []
    for mine, other in zip(ours, bare, strict=True):
        blocks += [saturated(OURS, mine), saturated(BARE, other), saturated(OURS_SMALL, mine)]
        blocks += [saturated(BATCHES, 2 * mine), Paced(OURS, 50.0, 49.0, (1.0, 3.0))]
    load = Load(certificates, 10**6, 10.0, 4 * certificates, certificates)
    return Run(certificates, 10_000, 64, 1.0, 1, "a machine", load, load, tuple(blocks))


def verdict(run: Run) -> str:
    return verdicts(run)[1][-1]


def test_the_aim_is_met_by_the_median_of_the_rounds() -> None:
    assert verdict(a_run((70, 60, 90), (100, 100, 100))) == "met"
    assert verdict(a_run((69, 60, 90), (100, 100, 100))) == "NOT met"
    assert verdict(a_run((70,), (100,), 50_000)).startswith("met, but at another size")


def test_every_block_is_told_also_where_it_loses() -> None:
    run = a_run((40, 50), (100, 100))
    text = as_text(run)
    for words in ("NOT met", "0.45", "0.40, 0.50", "bytes a row", "sender's cores", "100,000"):
        assert words in text, text
    assert text.count(f"\n  {BARE}") >= 2
    told = json.loads(json.dumps(as_json(run)))
    assert told["ratio"]["each"] == [0.4, 0.5]
    assert len(told["blocks"]) == len(run.blocks)
