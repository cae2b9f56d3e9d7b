"""Whether deployed readers can read what we write, and we what they wrote: schemas and samples.

`schemas/<Type>.json` holds the JSON Schema of each event as it is deployed; `samples/` one record
of each shape that ever shipped. Neither side may break: a compacted topic keeps old records for
ever, and during a rollout old readers meet new records.

    python -m contracts.compatibility            one line a break; exit 1 if there is any
    python -m contracts.compatibility --record   write down what is compatible and new
"""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.envelope import Event, Malformed, UnknownType
from contracts.events import EVENT_TYPES, parse
from contracts.samples import MANIFEST, samples, type_of
from contracts.schemas.comparison import OLD_RECORDS, TOPIC, Break, Schema, breaks

Manifest = Mapping[str, Mapping[str, str]]

_HERE = Path(__file__).parent


def described(model: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's record, with the topic and key that it travels by."""
    topic = model.topic
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        TOPIC: {
            "name": topic.name,
            "key": topic.key,
            "partitions": topic.partitions,
            "compacted": topic.compacted,
        },
        **model.model_json_schema(),
    }


def recorded(folder: Path = _HERE / "schemas") -> dict[str, Schema]:
    """What is deployed: the recorded schema of each event type."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def current(models: Mapping[str, type[Event]] = EVENT_TYPES) -> dict[str, Schema]:
    """What the code says now."""
    return {name: described(model) for name, model in models.items()}


def sample_entry(value: bytes, read: Callable[[bytes], Event] = parse) -> dict[str, str]:
    """What the manifest keeps of a sample: its bytes' hash, and where it travels."""
    event = read(value)
    return {
        "sha256": hashlib.sha256(value).hexdigest(),
        "type": event.type,
        "topic": event.topic.name,
        "key": event.key,
    }


def sample_breaks(
    manifest: Manifest, held: Mapping[str, bytes], read: Callable[[bytes], Event] = parse
) -> list[Break]:
    """Samples that were changed or deleted, that cannot be read, or that would travel elsewhere.

    manifest: what was recorded, by file name. held: the files there are. A new sample must be
    readable too. read: raises Malformed or UnknownType.
    """
    found: list[Break] = []
    for name in manifest.keys() - held.keys():
        why = "what once shipped stays readable only while its sample is tested"
        found.append(Break(type_of(name), name, "the sample is gone", why))
    for name, value in held.items():
        try:
            entry = sample_entry(value, read)
        except (Malformed, UnknownType) as error:
            what = f"the sample cannot be read ({error})"
            found.append(Break(type_of(name), name, what, OLD_RECORDS))
            continue
        for part, was in manifest.get(name, {"type": type_of(name)}).items():
            if entry[part] != was:
                what, why = _SAMPLE_FAULTS[part]
                found.append(Break(type_of(name), name, what, why))
    return sorted(found, key=lambda fault: fault.pointer)


_SAMPLE_FAULTS = {
    "sha256": ("the sample was changed", "it no longer is what shipped; add another instead"),
    "type": ("the sample is of another type", "deployed readers of its type no longer see it"),
    "topic": ("the sample travels by another topic", "deployed readers wait at the old topic"),
    "key": (
        "the sample has another partition key",
        "events of one key would lie in two partitions, out of order",
    ),
}


def all_breaks() -> list[Break]:
    """Every break between what is recorded and what the code says now."""
    known, manifest = recorded(), _manifest()
    why = "without it no break of the type would be seen; bring the file back"
    lost = [
        Break(name, "", "the recorded schema is gone", why)
        for name in sorted({type_of(sample) for sample in manifest} - known.keys())
    ]
    return [*lost, *breaks(known, current()), *sample_breaks(manifest, dict(samples()))]


def unrecorded() -> list[str]:
    """Compatible news that `--record` would write down: event types and sample files."""
    known = recorded()
    types = [name for name, schema in current().items() if known.get(name) != schema]
    return types + [name for name, _ in samples() if name not in _manifest()]


def record() -> list[str]:
    """Write down what is new. Returns what was written; raises Refused where that would break."""
    held = dict(samples())
    faults = [str(fault) for fault in all_breaks()]
    with_sample = {type_of(name) for name in held}
    faults += [f"{name}: has no sample" for name in EVENT_TYPES if name not in with_sample]
    if faults:
        raise Refused(faults)
    news = unrecorded()
    for name, schema in current().items():
        _write(_HERE / "schemas" / f"{name}.json", schema)
    _write(_HERE / "samples" / MANIFEST, {name: sample_entry(held[name]) for name in sorted(held)})
    return news


class Refused(Exception):
    """What is to be recorded would break someone; args[0] lists how."""


def _manifest() -> Manifest:
    path = _HERE / "samples" / MANIFEST
    entries: Manifest = json.loads(path.read_bytes()) if path.exists() else {}
    return entries


def _write(path: Path, content: Schema) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status: 0 compatible, 1 not, 2 misused."""
    if arguments not in ([], ["--record"]):
        sys.stderr.write("usage: python -m contracts.compatibility [--record]\n")
        return 2
    if not arguments:
        faults = all_breaks()
        lines = [str(fault) for fault in faults]
        lines += [f"{name}: compatible, not recorded yet" for name in unrecorded() if not faults]
    else:
        try:
            faults, lines = [], [f"{name}: recorded" for name in record()]
        except Refused as refused:
            faults = lines = refused.args[0]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
