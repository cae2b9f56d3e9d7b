"""What of a schema's change would break a deployed reader, or the reading of old records.

Which schemas are compared, and what is done about a break, does not live here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]

TOPIC: Final = "x-topic"
"""Where a recorded schema keeps the topic and key that its event travels by."""

OLD_RECORDS = "records already in the topic do not have this shape, and new readers refuse them"
OLD_READERS = "readers already deployed refuse, or misread, what is now written"
BOTH_SIDES = "old records do not fit new readers, nor new records the deployed ones"


@dataclass(frozen=True, slots=True)
class Break:
    """One incompatible difference.

    pointer: JSON pointer (RFC 6901) into the recorded schema, or into the current one where
    something was added; of a sample, its file name.
    """

    type: str
    pointer: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.type} {self.pointer}".rstrip() + f": {self.what}; {self.why}"


def breaks(before: Mapping[str, Schema], now: Mapping[str, Schema]) -> list[Break]:
    """All that would break someone, from one set of schemas by event type to the next.

    Every difference counts unless it is known to harm nobody: a new event type, a new optional
    field, words of documentation.
    """
    found: list[Break] = []
    for name, schema in before.items():
        if name in now:
            found += _topic_breaks(name, schema, now[name])
            found += _Comparison(name, schema, now[name]).breaks()
        else:
            what = "the event type is gone"
            found.append(Break(name, "", what, "its records stay in the topic and none reads them"))
    return found


def _topic_breaks(name: str, before: Schema, now: Schema) -> Iterator[Break]:
    why = {
        "name": "deployed readers wait at the old topic",
        "key": "events of one key would lie in two partitions, out of order",
        "partitions": "events of one key would lie in two partitions, out of order",
        "compacted": "readers that start from the topic would not find the state they rely on",
    }
    for part, was in before[TOPIC].items():
        is_ = now[TOPIC].get(part)
        if is_ != was:
            what = f"the topic's {part} changed from {was!r} to {is_!r}"
            yield Break(name, f"/{TOPIC}/{part}", what, why[part])


_ANNOTATIONS = frozenset(
    {"$schema", "$defs", TOPIC, "title", "description", "examples", "deprecated", "$comment"}
)
_COMPARED = frozenset(
    {"type", "enum", "const", "properties", "required", "default", "discriminator"}
)
_LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_SUBSCHEMAS = frozenset({"items", "additionalProperties", "propertyNames", "contains"})
_UNIONS = ("anyOf", "oneOf")
_ABSENT: Final = object()

Pair = tuple[str, str]


class _Comparison:
    """Walks two schemas side by side. A place in a schema is a JSON pointer, $ref resolved."""

    def __init__(self, type_: str, before: Schema, now: Schema) -> None:
        self._type = type_
        self._before = before
        self._now = now

    def breaks(self) -> list[Break]:
        # A definition that is used twice breaks once.
        return list(dict.fromkeys(self._at("", "", frozenset())))

    def _break(self, pointer: str, what: str, why: str) -> Break:
        return Break(self._type, pointer, what, why)

    def _at(self, old_at: str, new_at: str, walked: frozenset[Pair]) -> list[Break]:
        """Compare two places. walked: the pairs above; meeting one again adds nothing new."""
        old_kinds, old_null = _alternatives(self._before, old_at)
        new_kinds, new_null = _alternatives(self._now, new_at)
        found: list[Break] = []
        if old_null and not new_null:
            found.append(self._break(old_at, "null is no longer allowed", OLD_RECORDS))
        if new_null and not old_null:
            found.append(self._break(old_at, "null is newly allowed", OLD_READERS))
        return [*found, *self._union(old_at, old_kinds, new_kinds, walked)]

    def _union(
        self, at: str, old_kinds: list[str], new_kinds: list[str], walked: frozenset[Pair]
    ) -> Iterator[Break]:
        """Compare the alternatives of two places, each with the one that is most like it."""
        alone = len(old_kinds) == len(new_kinds) == 1
        tried = {
            (old, new): self._kinds(old, new, walked)
            for old in old_kinds
            for new in new_kinds
            if alone or _type(self._before, old) == _type(self._now, new)
        }
        gone, added = dict.fromkeys(old_kinds), dict.fromkeys(new_kinds)
        for old, new in sorted(tried, key=lambda pair: len(tried[pair])):
            if old in gone and new in added:
                del gone[old], added[new]
                yield from tried[old, new]
        for old in gone:
            what = f"{_kind(self._before, old)} is no longer allowed"
            yield self._break(old, what, OLD_RECORDS)
        for new in added:
            yield self._break(at, f"{_kind(self._now, new)} is newly allowed", OLD_READERS)

    def _kinds(self, old_at: str, new_at: str, walked: frozenset[Pair]) -> list[Break]:
        """Compare two places that are no unions."""
        if (old_at, new_at) in walked:
            return []
        walked |= {(old_at, new_at)}
        old, new = _get(self._before, old_at), _get(self._now, new_at)
        if old.get("type") != new.get("type"):
            was, is_ = old.get("type", "anything"), new.get("type", "anything")
            return [self._break(old_at, f"the type changed from {was} to {is_}", BOTH_SIDES)]
        found = list(self._values(old_at, old, new))
        found += self._properties(old_at, new_at, walked)
        for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _COMPARED):
            was, is_ = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
            place = f"{old_at}/{keyword}"
            if keyword in _SUBSCHEMAS and isinstance(was, dict) and isinstance(is_, dict):
                found += self._at(place, f"{new_at}/{keyword}", walked)
            elif keyword == "prefixItems" and _same_length(was, is_):
                for n in range(len(was)):
                    found += self._at(f"{place}/{n}", f"{new_at}/{keyword}/{n}", walked)
            elif was != is_:
                found.append(self._keyword(place, keyword, was, is_))
        return found

    def _values(self, at: str, old: Schema, new: Schema) -> Iterator[Break]:
        was, is_ = _allowed(old), _allowed(new)
        if was is None and is_ is not None:
            yield self._break(at, f"only {_told(is_)} is allowed now", OLD_RECORDS)
        elif is_ is None and was is not None:
            yield self._break(at, f"other values than {_told(was)} are allowed now", OLD_READERS)
        elif was is not None and is_ is not None:
            if not any(value in is_ for value in was):
                what = f"the value changed from {_told(was)} to {_told(is_)}"
                yield self._break(at, what, BOTH_SIDES)
                return
            if gone := [value for value in was if value not in is_]:
                yield self._break(at, f"{_told(gone)} is no longer allowed", OLD_RECORDS)
            if added := [value for value in is_ if value not in was]:
                yield self._break(at, f"{_told(added)} is newly allowed", OLD_READERS)

    def _properties(self, old_at: str, new_at: str, walked: frozenset[Pair]) -> Iterator[Break]:
        before, now = _get(self._before, old_at), _get(self._now, new_at)
        old, new = before.get("properties", {}), now.get("properties", {})
        must, must_now = before.get("required", ()), now.get("required", ())
        for name in old:
            place = f"{old_at}/properties/{_escaped(name)}"
            if name not in new:
                why = "deployed readers miss it, and what old records say in it is lost"
                yield self._break(place, "the field is gone", why)
                continue
            if name in must_now and name not in must:
                yield self._break(place, "the optional field is now required", OLD_RECORDS)
            if name in must and name not in must_now:
                yield self._break(place, "the required field is now optional", OLD_READERS)
            was, is_ = (side[name].get("default", _ABSENT) for side in (old, new))
            if name not in must and was != is_ and _ABSENT not in (was, is_):
                why = "old records that leave the field out would say something else"
                what = f"the default changed from {was!r} to {is_!r}"
                yield self._break(f"{place}/default", what, why)
            yield from self._at(place, f"{new_at}/properties/{_escaped(name)}", walked)
        for name in new:
            if name not in old and name in must_now:
                place = f"{new_at}/properties/{_escaped(name)}"
                yield self._break(place, "the new field is required", OLD_RECORDS)

    def _keyword(self, place: str, keyword: str, was: Any, is_: Any) -> Break:
        if keyword in _LOWER or keyword in _UPPER:
            if was is _ABSENT or is_ is _ABSENT:
                tighter = was is _ABSENT
            else:
                tighter = (is_ > was) == (keyword in _LOWER)
            told = f"the limit was {'tightened' if tighter else 'loosened'} from {_shown(was)}"
            why = OLD_RECORDS if tighter else OLD_READERS
            return self._break(place, f"{told} to {_shown(is_)}", why)
        what = f"{keyword} changed from {_shown(was)} to {_shown(is_)}"
        return self._break(place, what, BOTH_SIDES)


def _alternatives(root: Schema, at: str) -> tuple[list[str], bool]:
    """The places that a value here may fit, unions and $ref resolved; and if it may be null."""
    node = _get(root, at)
    if "$ref" in node:
        return _alternatives(root, node["$ref"].removeprefix("#"))
    for union in _UNIONS:
        if union in node:
            places: list[str] = []
            null = False
            for n in range(len(node[union])):
                inner, inner_null = _alternatives(root, f"{at}/{union}/{n}")
                places += inner
                null = null or inner_null
            return places, null
    return ([], True) if node.get("type") == "null" else ([at], False)


def _get(root: Schema, at: str) -> Schema:
    node: Any = root
    for part in at.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        node = node[int(name)] if isinstance(node, list) else node[name]
    # `true` and `false` are schemas too: all, and nothing.
    return node if isinstance(node, dict) else {} if node else {"not": {}}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _allowed(schema: Schema) -> list[Any] | None:
    """The values listed by enum or const; None where the schema lists none."""
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def _same_length(was: Any, is_: Any) -> bool:
    return isinstance(was, list) and isinstance(is_, list) and len(was) == len(is_)


def _type(root: Schema, at: str) -> Any:
    return _get(root, at).get("type")


def _kind(root: Schema, at: str) -> str:
    node = _get(root, at)
    return str(node.get("title") or node.get("type") or "a value")


def _told(values: Sequence[Any]) -> str:
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in values)


def _shown(value: Any) -> str:
    return "none" if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)
