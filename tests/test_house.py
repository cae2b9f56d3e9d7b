"""What holds in every service: nobody enters without a token, and one way to subscribe."""

from typing import Any

import pytest
from fastapi import FastAPI
from faststream.kafka.broker import KafkaBroker

from services.certificates import main as certificates
from services.certificates.api import routing as certificates_routing
from services.certificates.settings import CertificatesSettings
from services.kit.auth import assert_every_route_is_guarded
from services.kit.consumer import Bus
from services.matcher import main as matcher
from services.matcher.settings import MatcherSettings
from services.postings import main as postings
from services.postings.settings import PostingsSettings
from services.seekers import main as seekers
from services.seekers.settings import SeekersSettings
from services.talent import main as talent
from services.talent.settings import TalentSettings

NOWHERE: dict[str, Any] = {
    "port": 1,
    "database_url": "postgresql://nobody@127.0.0.1:9/none",
    "kafka": "127.0.0.1:9",
    "jwks_url": "http://127.0.0.1:9/jwks",
    "issuer": "nobody",
}
PUBLIC = {"certificates": certificates_routing.PUBLIC}
"""Routes that are meant to answer without a token, besides those of every service."""
READS = {
    "postings": set[str](),
    "seekers": {"rengang.matches"},
    "certificates": set[str](),
    "matcher": {
        "rengang.postings",
        "rengang.seekers",
        "rengang.certificates",
        "rengang.models",
        "rengang.outcomes",
    },
    "talent": {"rengang.postings", "rengang.matches"},
}


def app_of(service: str) -> FastAPI:
    match service:
        case "postings":
            return postings.make_app(PostingsSettings(**NOWHERE))
        case "seekers":
            return seekers.make_app(SeekersSettings(**NOWHERE))
        case "certificates":
            return certificates.make_app(CertificatesSettings(**NOWHERE, pepper="x" * 32))
        case "matcher":
            return matcher.make_app(MatcherSettings(**NOWHERE))
        case _:
            return talent.make_app(TalentSettings(**NOWHERE))


@pytest.mark.parametrize("service", READS)
def test_no_route_answers_without_a_token(service: str) -> None:
    app = app_of(service)
    assert_every_route_is_guarded(app, public=PUBLIC.get(service, ()))
    assert app.openapi()["info"]["title"]


@pytest.mark.parametrize("service", READS)
def test_every_subscriber_commits_by_hand_in_a_group_of_its_own(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[KafkaBroker] = []
    make = Bus.__init__

    def remembered(bus: Bus, kafka: str) -> None:
        make(bus, kafka)
        made.append(bus.broker)

    monkeypatch.setattr(Bus, "__init__", remembered)
    app_of(service)
    subscribers: list[Any] = [one for broker in made for one in broker.subscribers]
    for subscriber in subscribers:
        options: dict[str, Any] = subscriber._connection_args
        assert subscriber.group_id.startswith(f"rengang.{service}")
        assert subscriber.ack_policy.name == "MANUAL"
        assert options["enable_auto_commit"] is False
        assert options["auto_offset_reset"] == "earliest"
    read = {
        name
        for subscriber in subscribers
        for name in (
            [topic.name for topic in subscriber.topics]
            or [place.topic for place in subscriber.partitions]
        )
    }
    assert {name for name in read if not name.endswith(".replay")} == READS[service]
    assert {name.removesuffix(".replay") for name in read if name.endswith(".replay")} == READS[
        service
    ]
