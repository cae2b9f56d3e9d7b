"""Any event there can be, drawn from the models themselves: a new field is tested as it is added.

Plausible events do not live here; they are the golden samples.
"""

from datetime import datetime, timedelta, timezone
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from annotated_types import Ge, Le, MinLen
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from contracts.envelope import Event
from contracts.events import EVENT_TYPES

# Neither NUL, which parse() refuses, nor half a surrogate pair, which UTF-8 cannot say.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.builds(
    lambda seconds, micros, zone: datetime.fromtimestamp(seconds, zone).replace(microsecond=micros),
    st.integers(-(2**33), 2**33),
    st.integers(0, 999_999),
    ZONES,
)


M = TypeVar("M", bound=BaseModel)


def events() -> st.SearchStrategy[Event]:
    """Any event of any type."""
    return st.one_of([instances(model, 2) for model in EVENT_TYPES.values()])


def instances(model: type[M], depth: int) -> st.SearchStrategy[M]:
    """Any instance. depth: how many models may stand inside each other before lists end."""
    fields = {name: _field(info, depth) for name, info in model.model_fields.items()}
    return st.fixed_dictionaries(fields).map(lambda values: model(**values))


def _field(info: FieldInfo, depth: int) -> st.SearchStrategy[Any]:
    limits: dict[str, Any] = {}
    for limit in info.metadata:
        match limit:
            case Ge(ge=low):
                limits["min_value"] = low
            case Le(le=high):
                limits["max_value"] = high
            case MinLen(min_length=length):
                limits["min_size"] = length
    return _values(info.annotation, depth, limits)


def _values(hint: Any, depth: int, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    inner = get_args(hint)
    origin = get_origin(hint)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in {Union, UnionType}:
        return st.one_of([_values(part, depth, limits) for part in inner])
    if origin is tuple:
        return st.lists(_values(inner[0], depth, {}), max_size=max(0, depth)).map(tuple)
    if origin is dict:
        return st.dictionaries(
            _values(inner[0], depth, {}), _values(inner[1], depth, {}), max_size=3
        )
    return _plain(hint, depth, limits)


def _plain(hint: Any, depth: int, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    plain: dict[Any, st.SearchStrategy[Any]] = {
        type(None): st.none(),
        bool: st.booleans(),
        UUID: st.uuids(),
        AwareDatetime: TIMES,
    }
    if hint in plain:
        return plain[hint]
    if hint is str:
        return st.text(CHARACTERS, max_size=20, **limits)
    if hint is int:
        return st.integers(**{"min_value": -(2**63), "max_value": 2**63 - 1} | limits)
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    if issubclass(hint, BaseModel):
        return st.deferred(lambda: instances(hint, depth - 1))
    raise TypeError(f"no strategy draws a {hint}")
