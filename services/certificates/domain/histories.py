"""What changed in an entry of the registry from one state to the next, told without any person.

Where the states are kept does not live here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TOLD = (
    "issuer",
    "occupation",
    "level",
    "level_label",
    "title_rank",
    "name",
    "kind",
    "issued_on",
    "valid_until",
    "review_due",
    "status",
    "origin",
)
"""What may be told of a state, by the names of its columns."""

_HIDDEN = {"holder_digest": "holder_name", "identity_digest": "identity_number"}
"""Of these only that they changed: digests can be compared with those of other certificates."""


def told(state: Mapping[str, Any]) -> dict[str, Any]:
    """What may be told of a state."""
    return {name: state.get(name) for name in TOLD}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Which fields differ, in one order."""
    fields = {name: name for name in TOLD} | _HIDDEN
    return [shown for name, shown in fields.items() if before.get(name) != after.get(name)]


def steps(
    now: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """Each earlier state with what changed in it. earlier: the newest first."""
    after = now
    for before in earlier:
        yield before, changed(before, after)
        after = before
