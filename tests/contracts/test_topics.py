"""What is provisioned on Kafka: names, partitions and how long records are kept."""

import pytest

from contracts.events import EVENT_TYPES
from contracts.topics import TOPICS, Topic, provisioned


def test_the_seven_topics_have_a_dead_and_a_replay_side() -> None:
    names = [
        "postings",
        "seekers",
        "certificates",
        "matches",
        "outcomes",
        "models",
        "verifications",
    ]
    sides = ["", ".dead", ".replay"]
    assert [topic.name for topic in provisioned()] == [
        f"rengang.{name}{side}" for name in names for side in sides
    ]


def test_events_have_24_partitions_and_what_is_parked_has_one() -> None:
    for topic in provisioned():
        parked = topic.name.endswith((".dead", ".replay"))
        assert topic.partitions == (1 if parked else 24)


def test_state_is_compacted_and_nothing_else_is() -> None:
    compacted = {f"rengang.{name}" for name in ("postings", "seekers", "certificates", "models")}
    for topic in provisioned():
        kept_for_ever = topic.config() == {"cleanup.policy": "compact"}
        assert kept_for_ever == (topic.name in compacted)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_what_is_parked_is_kept_longer_and_fits(topic: Topic) -> None:
    assert topic.dead.retention_ms == 90 * 24 * 60 * 60 * 1000 > topic.retention_ms
    for side in (topic.dead, topic.replay):
        # Kafka's default for a topic is 1 MiB; a parked record carries its reason besides.
        assert int(side.config()["max.message.bytes"]) > 2**20


def test_every_event_travels_by_a_provisioned_topic() -> None:
    assert {model.topic for model in EVENT_TYPES.values()} == set(TOPICS)


def test_each_type_is_registered_under_the_name_it_sends() -> None:
    for name, model in EVENT_TYPES.items():
        assert model.model_fields["type"].default == name
        assert model.model_fields["source"].default == model.source_of
