"""`./rengang topic tail TOPIC`: what passes on the bus."""

import asyncio
import time
from typing import Annotated, Any

import orjson
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.text import Text

from contracts.topics import provisioned
from dev.bus import Record, partitions_of, reader
from dev.reach import Reach, refuse

app = typer.Typer(no_args_is_help=True, help="Look at a topic of the bus.")

_COLOURS = {
    "Published": "green",
    "Found": "green",
    "Verified": "green",
    "Profiled": "cyan",
    "Closed": "red",
    "Withdrawn": "red",
    "Rejected": "red",
    "Lapsed": "red",
}


@app.callback()
def _many() -> None:
    """Keeps `tail` a word of its own."""


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="postings, or the full name rengang.postings.dead")],
    lines: Annotated[int, typer.Option("-n", min=0, help="Start this many records back.")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on as they come.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a record.")] = False,
) -> None:
    """Show a topic's last records and those that come.

    Example: ./rengang topic tail matches -n 5
    """
    name = topic if topic.startswith("rengang.") else f"rengang.{topic}"
    known = [one.name for one in provisioned()]
    if name not in known:
        refuse(f"no topic {name}; there are: {', '.join(known)}")
    try:
        asyncio.run(_tail(Reach.found().kafka, name, lines, follow=follow, json=json))
    except KafkaError as error:
        refuse(f"Kafka does not answer: {error}")
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _tail(kafka: str, topic: str, lines: int, *, follow: bool, json: bool) -> None:
    console = Console(highlight=False)
    async with reader(kafka) as consumer:
        places = await partitions_of(kafka, topic)
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        start = {place: max(begins[place], ends[place] - lines) for place in places}
        for place in places:
            # Waits for the first reset, which would overrun the seek.
            await consumer.position(place)
            consumer.seek(place, start[place])
        backlog: list[Record] = []
        todo = {place for place in places if start[place] < ends[place]}
        while todo:
            for batch in (await consumer.getmany(timeout_ms=300)).values():
                backlog.extend(batch)
            todo = {place for place in todo if await consumer.position(place) < ends[place]}
        backlog.sort(key=lambda record: record.timestamp)
        for record in backlog[-lines:] if lines else []:
            _show(console, record, json=json)
        while follow:
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                for record in batch:
                    _show(console, record, json=json)


def _show(console: Console, record: Record, *, json: bool) -> None:
    event = _parsed(record.value)
    if json:
        line = {
            "partition": record.partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp,
            "key": (record.key or b"").decode(errors="replace"),
            "value": event if event is not None else (record.value or b"").decode(errors="replace"),
        }
        print(orjson.dumps(line).decode(), flush=True)
        return
    at = time.strftime("%H:%M:%S", time.localtime(record.timestamp / 1000))
    text = Text.assemble((f"{at} ", "dim"), (f"{record.partition:>2}/{record.offset:<6} ", "dim"))
    if event is None:
        size = len(record.value or b"")
        text.append(f"no event ({size} bytes)", "yellow")
    else:
        kind = str(event.get("type", "?"))
        colour = next((c for end, c in _COLOURS.items() if kind.endswith(end)), "yellow")
        text.append(f"{kind:<20} ", colour)
        text.append(f"{event.get('subject', '?')} v{event.get('version', '?')}  ")
        text.append(_gist(event.get("data")), "dim")
    console.print(text, soft_wrap=True)


def _parsed(value: bytes | None) -> dict[str, Any] | None:
    try:
        event = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None


def _gist(data: Any) -> str:
    """A few words of what the event is about."""
    if not isinstance(data, dict):
        return ""
    posting = data.get("posting") if isinstance(data.get("posting"), dict) else {}
    words = [
        data.get("title") or (posting or {}).get("title"),
        " ".join(data.get("titles") or ()),
        f"{data['score_ppm'] / 10_000:.1f} %" if isinstance(data.get("score_ppm"), int) else None,
        (data.get("changed") or {}).get("name") if isinstance(data.get("changed"), dict) else None,
    ]
    return " · ".join(str(word) for word in words if word)
