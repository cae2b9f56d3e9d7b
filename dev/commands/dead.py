"""`./rengang dead list|replay`: records that were parked, and their way back."""

import asyncio
from typing import Annotated

import orjson
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import track
from rich.table import Table

from contracts.topics import TOPICS, Topic
from dev.bus import Parked, parked, replay
from dev.reach import Reach, refuse

app = typer.Typer(no_args_is_help=True, help="Records that no retry could help.")

_Of = Annotated[str | None, typer.Argument(help="postings, seekers, …; all where left out")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object a record.")]


@app.command("list")
def list_(
    topic: _Of = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those sent back.")] = False,
    json: _Json = False,
) -> None:
    """Show what is parked and why.

    Example: ./rengang dead list postings
    """
    found = [one for one in _parked(topic) if everything or not one.replayed]
    if json:
        for one in found:
            print(orjson.dumps(_told(one)).decode())
        return
    if not found:
        print("nothing is parked")
        return
    table = Table("topic", "id", "group", "reason", "parked at")
    for one in found:
        reason = f"{one.reason}{' (sent back)' if one.replayed else ''}"
        table.add_row(one.topic, one.id, one.group, reason, one.parked_at[:19])
    Console().print(table)
    print("send one back:  ./rengang dead replay TOPIC --id ID      all:  ./rengang dead replay")


@app.command("replay")
def replay_(
    topic: _Of = None,
    id_: Annotated[str | None, typer.Option("--id", help="As `dead list` shows it: 0/17")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those sent back before.")] = False,
    json: _Json = False,
) -> None:
    """Send parked records back to the group that could not handle them.

    Example: ./rengang dead replay postings --id 0/17
    """
    if id_ is not None and topic is None:
        refuse("an id is of one topic: ./rengang dead replay TOPIC --id ID")
    found = [
        one
        for one in _parked(topic)
        if (again or not one.replayed) and (id_ is None or one.id == id_)
    ]
    if id_ is not None and not found:
        refuse(f"nothing with id {id_} is parked in {topic}")
    try:
        done = asyncio.run(_replay(Reach.found().kafka, found, quiet=json))
    except (KafkaError, OSError) as error:
        refuse(f"Kafka does not answer: {error}")
    print(orjson.dumps({"replayed": done}).decode() if json else f"sent back: {done}")


async def _replay(kafka: str, found: list[Parked], *, quiet: bool) -> int:
    ticks = iter(
        track(found, "sending back", console=Console(stderr=True), disable=quiet or not found)
    )
    next(ticks, None)
    done = 0
    async for _ in replay(kafka, found):
        done += 1
        next(ticks, None)
    return done


def _parked(name: str | None) -> list[Parked]:
    topics = _named(name)
    try:
        return asyncio.run(parked(Reach.found().kafka, topics))
    except (KafkaError, OSError) as error:
        refuse(f"Kafka does not answer: {error}")


def _named(name: str | None) -> tuple[Topic, ...]:
    if name is None:
        return TOPICS
    full = (name if name.startswith("rengang.") else f"rengang.{name}").removesuffix(".dead")
    found = tuple(topic for topic in TOPICS if topic.name == full)
    if not found:
        refuse(f"no topic {full}; there are: {', '.join(topic.name for topic in TOPICS)}")
    return found


def _told(one: Parked) -> dict[str, object]:
    value = one.record.value
    return {
        "topic": one.topic,
        "id": one.id,
        "group": one.group,
        "reason": one.reason,
        "origin": one.origin,
        "parked_at": one.parked_at,
        "replayed": one.replayed,
        "bytes": len(value or b""),
        "value": None if value is None else value.decode(errors="replace")[:2000],
    }
