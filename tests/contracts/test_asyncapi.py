"""The AsyncAPI documents: whole, resolvable, and made from the same models that are sent."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from pydantic import TypeAdapter

from contracts.asyncapi import CONTENT_TYPE, document
from contracts.envelope import Event
from contracts.events import EVENT_TYPES, parse
from contracts.matches import MatchFound
from contracts.outcomes import MatchAccepted, SeekerInvited
from contracts.postings import PostingClosed, PostingPublished
from contracts.samples import samples
from contracts.topics import provisioned

ALL = document(
    title="rengang", version="1.0.0", sends=EVENT_TYPES.values(), receives=EVENT_TYPES.values()
)
TALENT = document(
    title="talent",
    version="2.1.0",
    sends=[SeekerInvited],
    receives=[PostingPublished, PostingClosed, MatchFound, MatchAccepted, MatchAccepted],
    server="kafka-a:9092, kafka-b:9092",
)
NOTHING = document(title="portal", version="1.0.0", sends=[], receives=[])
EACH = pytest.mark.parametrize("made", [ALL, TALENT, NOTHING], ids=["all", "talent", "nothing"])


def refs(part: Any) -> Iterator[str]:
    match part:
        case dict():
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for held in part.values():
                yield from refs(held)
        case list():
            for held in part:
                yield from refs(held)


def resolved(made: dict[str, Any], ref: str) -> Any:
    node: Any = made
    for part in ref.removeprefix("#/").split("/"):
        node = node[part]
    return node


@EACH
def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    for ref in refs(made):
        assert ref.startswith("#/")
        assert isinstance(resolved(made, ref), dict), ref


@EACH
def test_it_is_json_and_repeats_itself(made: dict[str, Any]) -> None:
    assert json.loads(json.dumps(made)) == made


@EACH
def test_it_has_what_the_specification_requires(made: dict[str, Any]) -> None:
    assert made["asyncapi"] == "3.0.0"
    assert made["info"].keys() >= {"title", "version"}
    for server in made.get("servers", {}).values():
        assert server.keys() >= {"host", "protocol"}
    for operation in made["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = resolved(made, operation["channel"]["$ref"])
        named = {f"{operation['channel']['$ref']}/messages/{name}" for name in channel["messages"]}
        assert {message["$ref"] for message in operation["messages"]} <= named
    # An id that other places refer to: ^[a-zA-Z0-9.\-_]+$.
    for kind in made["components"].values():
        for name in kind:
            assert name.replace("_", "").replace("-", "").replace(".", "").isalnum()


@EACH
def test_another_reader_of_asyncapi_takes_it(made: dict[str, Any]) -> None:
    # This reader wants a path of each server; a Kafka server has none.
    servers = {name: {**it, "pathname": "/"} for name, it in made.get("servers", {}).items()}
    read = ApplicationSchema.model_validate({**made, "servers": servers or None})
    assert read.channels.keys() == made["channels"].keys()
    assert read.operations.keys() == made["operations"].keys()


def test_every_event_type_appears_with_its_whole_envelope_and_its_samples() -> None:
    messages = ALL["components"]["messages"]
    assert messages.keys() == EVENT_TYPES.keys() | {"ParkedRecord"}
    for name, model in EVENT_TYPES.items():
        message = messages[name]
        assert message["contentType"] == CONTENT_TYPE == "application/cloudevents+json"
        payload = resolved(ALL, message["payload"]["$ref"])
        assert payload["properties"].keys() == model.model_fields.keys()
        assert payload["properties"]["type"]["const"] == name
        assert {"specversion", "id", "source", "type"} <= set(payload["required"])
        assert message["examples"]
        assert message["bindings"]["kafka"]["key"]["description"] == model.topic.key


def test_the_examples_are_the_golden_samples() -> None:
    shown = {
        example["name"]: example["payload"]
        for message in ALL["components"]["messages"].values()
        for example in message.get("examples", ())
    }
    assert shown == {name.removesuffix(".json"): json.loads(value) for name, value in samples()}
    for payload in shown.values():
        assert parse(json.dumps(payload).encode())


def test_every_provisioned_topic_is_a_channel_as_it_is_provisioned() -> None:
    assert ALL["channels"].keys() == {topic.name for topic in provisioned()}
    for topic in provisioned():
        channel = ALL["channels"][topic.name]
        binding = channel["bindings"]["kafka"]
        assert channel["address"] == binding["topic"] == topic.name
        assert binding["partitions"] == topic.partitions
        told = {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in binding["topicConfiguration"].items()
        }
        assert told == topic.config()
        assert ("compacted" in channel["description"]) == topic.compacted


def test_a_service_shows_only_what_it_sends_and_receives() -> None:
    operations = {
        name: (it["action"], sorted(ref.rpartition("/")[2] for ref in refs(it["messages"])))
        for name, it in TALENT["operations"].items()
    }
    received = {
        "postings": ["PostingClosed", "PostingPublished"],
        "matches": ["MatchFound"],
        "outcomes": ["MatchAccepted"],
    }
    assert operations == {"send.rengang.outcomes": ("send", ["SeekerInvited"])} | {
        f"{what}.rengang.{topic}": told
        for topic, names in received.items()
        for what, told in {
            "receive": ("receive", names),
            "replay": ("receive", names),
            "park": ("send", ["ParkedRecord"]),
        }.items()
    }
    assert "SeekerState" not in TALENT["components"]["schemas"]
    assert [it["host"] for it in TALENT["servers"].values()] == ["kafka-a:9092", "kafka-b:9092"]


def test_a_sender_parks_nothing() -> None:
    made = document(title="postings", version="1", sends=[PostingPublished], receives=[])
    assert made["channels"].keys() == {"rengang.postings"}
    assert made["components"]["messages"].keys() == {"PostingPublished"}
    assert "servers" not in made


@pytest.mark.parametrize("model", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_the_payload_is_the_model_s_own_schema(model: type[Event]) -> None:
    template = "#/components/schemas/{model}"
    own = TypeAdapter(model).json_schema(ref_template=template)
    definitions = own.pop("$defs")
    assert ALL["components"]["schemas"][model.__name__] == own
    assert definitions.items() <= ALL["components"]["schemas"].items()
