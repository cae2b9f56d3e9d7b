"""What a service sends and receives, as an AsyncAPI 3.0.0 document made from the models.

Source: AsyncAPI 3.0.0; its Kafka bindings 0.5.0; CloudEvents Kafka binding, structured mode.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from contracts.deadletters import GROUP, ORIGIN, PARKED_AT, REASON
from contracts.envelope import Event
from contracts.samples import samples, type_of
from contracts.topics import Topic

CONTENT_TYPE = "application/cloudevents+json"

_BINDING = "0.5.0"
_PARKED = "ParkedRecord"
_READING: JsonSchemaMode = "validation"  # encoded() leaves out what a reader need not find


def document(
    *,
    title: str,
    version: str,
    sends: Iterable[type[Event]],
    receives: Iterable[type[Event]],
    server: str | None = None,
) -> dict[str, Any]:
    """The AsyncAPI document of one service, ready for json.dumps.

    title, version: of the service. sends, receives: the event types, in any order and once or more.
    server: `host:port[,host:port]` of Kafka, left out where it is nobody's business. Channels and
    operations stand by topic; a received topic brings its `.dead` and its `.replay`.
    """
    sent, received = _by_topic(sends), _by_topic(receives)
    types = sorted({*_types(sent), *_types(received)}, key=lambda model: model.__name__)
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in sorted({*sent, *received}, key=lambda topic: topic.name):
        mine = [model for model in types if model.topic == topic]
        channels[topic.name] = _channel(topic, _about(topic), _names(mine))
        if topic in sent:
            operations[f"send.{topic.name}"] = _operation("send", topic, _names(sent[topic]))
        if topic in received:
            _receive(topic, _names(received[topic]), channels, operations)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version, "description": _ABOUT},
        "defaultContentType": CONTENT_TYPE,
        **({"servers": _servers(server)} if server else {}),
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {model.__name__: _message(model) for model in types}
            | ({_PARKED: _parked()} if received else {}),
            "schemas": _schemas(types),
        },
    }


_ABOUT = (
    "Events are CloudEvents 1.0 in JSON, structured mode. Delivery is at least once and in order "
    "for each key: ignore an event whose `version` is not above the one you have. Ignore fields "
    "and types that you do not know."
)


def _by_topic(types: Iterable[type[Event]]) -> dict[Topic, list[type[Event]]]:
    topics: defaultdict[Topic, list[type[Event]]] = defaultdict(list)
    for model in sorted(set(types), key=lambda model: model.__name__):
        topics[model.topic].append(model)
    return dict(topics)


def _types(by_topic: dict[Topic, list[type[Event]]]) -> Iterable[type[Event]]:
    return (model for models in by_topic.values() for model in models)


def _names(types: Sequence[type[Event]]) -> list[str]:
    return [model.__name__ for model in types]


def _about(topic: Topic) -> str:
    kept = (
        "The last event of each key is kept for ever (compacted) and carries its whole state."
        if topic.compacted
        else f"Kept for {topic.retention_ms // 86_400_000} days."
    )
    return f"Keyed by {topic.key}. {kept}"


def _receive(
    topic: Topic, names: Sequence[str], channels: dict[str, Any], operations: dict[str, Any]
) -> None:
    """The topic itself, where its unreadable records are parked, and where they come back."""
    operations[f"receive.{topic.name}"] = _operation("receive", topic, names)
    about = f"Records of {topic.name} that no retry can help, with the reason in the headers."
    channels[topic.dead.name] = _channel(topic.dead, about, [_PARKED])
    operations[f"park.{topic.name}"] = _operation("send", topic.dead, [_PARKED])
    about = f"Parked records of {topic.name} on their way back to the group that parked them."
    channels[topic.replay.name] = _channel(topic.replay, about, names)
    operations[f"replay.{topic.name}"] = _operation("receive", topic.replay, names)


def _channel(topic: Topic, description: str, names: Sequence[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {
        name: int(value) if value.isdigit() else value.split(",")
        for name, value in topic.config().items()
    }
    return {
        "address": topic.name,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": settings,
                "bindingVersion": _BINDING,
            }
        },
    }


def _operation(
    action: Literal["send", "receive"], topic: Topic, names: Sequence[str]
) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in names],
    }


def _message(model: type[Event]) -> dict[str, Any]:
    name = model.__name__
    return {
        "name": name,
        "title": name,
        "summary": (model.__doc__ or name).strip().partition("\n")[0],
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": model.topic.key},
                "bindingVersion": _BINDING,
            }
        },
        "examples": [
            {"name": file.removesuffix(".json"), "payload": json.loads(value)}
            for file, value in samples()
            if type_of(file) == name
        ],
    }


def _parked() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": _PARKED,
        "title": _PARKED,
        "summary": "A record as it came: the same bytes, key and headers, and why it is here.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {
                GROUP: {**text, "description": "the consumer group that parked it"},
                REASON: {**text, "description": "why no retry can help"},
                ORIGIN: {**text, "description": "topic/partition/offset it had first"},
                PARKED_AT: {**text, "format": "date-time"},
            },
        },
        "payload": {"description": "Whatever stood in the record, event or not."},
    }


def _schemas(types: Sequence[type[Event]]) -> dict[str, Any]:
    _, schemas = models_json_schema(
        [(model, _READING) for model in types], ref_template="#/components/schemas/{model}"
    )
    definitions: dict[str, Any] = schemas.get("$defs", {})
    return definitions


def _servers(addresses: str) -> dict[str, Any]:
    return {
        f"kafka-{n}": {"host": address.strip(), "protocol": "kafka"}
        for n, address in enumerate(addresses.split(","), start=1)
    }
