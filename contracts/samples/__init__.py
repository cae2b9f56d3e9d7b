"""One record of each shape of event that ever shipped; every consumer's tests parse them all.

A sample is added, never changed or deleted. Test data of a service does not live here.
"""

from collections.abc import Iterator
from importlib.resources import files

MANIFEST = "manifest.json"
"""Hash, topic and key of each sample; kept by `contracts.compatibility`."""


def samples() -> Iterator[tuple[str, bytes]]:
    """Every sample as (file name, the record's value), in order of name."""
    for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json") and file.name != MANIFEST:
            yield file.name, file.read_bytes()


def type_of(name: str) -> str:
    """The event type a sample is of: `PostingClosed.2.json` → `PostingClosed`."""
    return name.partition(".")[0]
