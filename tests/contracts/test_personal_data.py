"""Promises 6 and 7: no field of any event can hold a person's name, contact, number or trait."""

import re
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from contracts.events import EVENT_TYPES

# By the parts of a field's name; each also as the beginning of a part (birthday, ethnicity).
PERSONAL = (
    "name|surname|nickname|alias|person|holder|"
    "phone|mobile|tel|fax|mail|email|wechat|weixin|qq|contact|address|street|"
    "identity|identification|idcard|passport|ssn|licence|license|number|serial|"
    "birth|born|age|sex|gender|ethnic|nation|race|minority|religio|faith|"
    "marital|marri|spouse|child|pregnan|famil|health|medical|disab|disease|blood|"
    "household|hukou|huji|residence|politic|party|photo|portrait|face|finger|bank|account"
)
SUSPECT = re.compile(rf"(^|_)({PERSONAL})", re.IGNORECASE)

ALLOWED = {
    ("SkillWanted", "name"): "of a skill",
    ("CertificateState", "name"): "of a kind of certificate, as the issuer prints it",
    ("Reason", "children"): "of a node in the tree",
}


def models_within(hint: Any) -> set[type[BaseModel]]:
    """Every model that a value of this type can hold, at any depth."""
    found: set[type[BaseModel]] = set()
    todo = [hint]
    while todo:
        part = todo.pop()
        todo += get_args(part)
        if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
            found.add(part)
            todo += [field.annotation for field in part.model_fields.values()]
    return found


MODELS = sorted(
    {model for event in EVENT_TYPES.values() for model in models_within(event)},
    key=lambda model: model.__name__,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_field_suggests_personal_data(model: type[BaseModel]) -> None:
    suspects = {name for name in model.model_fields if SUSPECT.search(name)}
    assert suspects == {name for of, name in ALLOWED if of == model.__name__}


def test_the_walk_reaches_the_innermost_models() -> None:
    names = {model.__name__ for model in MODELS}
    assert names > {"PostingPublished", "Pay", "SkillWanted", "SeekerState", "PayFloor"}
    assert names > {"CertificateState", "Reason", "Missing", "PostingBrief", "Outcome"}


TRAPS = (
    "full_name phone contact_phone email id_number identity birthday age sex gender ethnicity "
    "religion marital_status health household_kind hukou wechat_id home_address disability "
    "photo_url certificate_number"
)


@pytest.mark.parametrize("name", TRAPS.split())
def test_the_rule_would_find_it(name: str) -> None:
    assert SUSPECT.search(name)


def test_no_event_accepts_fields_that_are_not_declared() -> None:
    for model in MODELS:
        assert model.model_config.get("extra") == "ignore", model
