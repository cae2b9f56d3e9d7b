"""A seeker registers, reads, revises, withdraws and comes back."""

from typing import Any

import httpx

from contracts.seekers import SeekerProfiled, SeekerWithdrawn
from contracts.values import seeker_id_of
from tests.seekers.conftest import Door
from tests.seekers.samples import LI_NA_ID, PROFILE, SOMEONE_ELSE, a_profile

MINE = f"/v1/seekers/{LI_NA_ID}"
OTHER = f"/v1/seekers/{seeker_id_of(SOMEONE_ELSE)}"


async def test_a_registered_profile_reads_back_as_it_was_sent(li_na: httpx.AsyncClient) -> None:
    answer = await li_na.post("/v1/seekers", json=PROFILE)
    assert answer.status_code == 201
    assert answer.headers["location"] == MINE
    assert answer.headers["etag"] == '"1"'
    read = await li_na.get(MINE)
    assert read.json() == answer.json()
    assert read.json()["person"] == {**PROFILE["person"], "phone": "13888123456"}
    assert read.json()["work"] == PROFILE["work"]
    assert (await li_na.get("/v1/seekers/me")).json() == read.json()


async def test_the_event_holds_the_masked_work_part_alone(
    door: Door, looking: httpx.AsyncClient
) -> None:
    (event,) = await door.announced()
    assert isinstance(event, SeekerProfiled)
    assert event.subject == str(LI_NA_ID)
    assert event.data.text == "本人＊，＊，电话＊。在养老院照护失能老人五年。"
    assert event.data.skills == ("失能照护", "压疮护理", "微信号")
    assert event.data.titles == ("养老护理员",)
    assert event.data.counties == ("530102", "530400")
    assert event.data.commute


async def test_a_second_registration_is_refused_with_where_the_first_is(
    door: Door, looking: httpx.AsyncClient
) -> None:
    answer = await looking.post("/v1/seekers", json=a_profile(text="别的"))
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:rengang:problem:profile_exists"
    assert answer.headers["location"] == MINE
    assert len(await door.announced()) == 1


async def test_a_repeated_key_registers_once(door: Door, li_na: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await li_na.post("/v1/seekers", json=PROFILE, headers=key)
    again = await li_na.post("/v1/seekers", json=PROFILE, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await door.announced()) == 1


async def test_a_revision_takes_the_place_of_all_that_was_said(
    door: Door, looking: httpx.AsyncClient
) -> None:
    sent = a_profile(person={"email": None}, skills=["鼻饲"], pay_floor=None)
    answer = await looking.put(MINE, json=sent, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    assert answer.json()["work"]["skills"] == ["鼻饲"]
    assert answer.json()["person"]["email"] is None
    assert [(event.type, event.version) for event in await door.announced()] == [
        ("SeekerProfiled", 1),
        ("SeekerProfiled", 2),
    ]


async def test_who_commutes_no_more_is_announced_so(door: Door, looking: httpx.AsyncClient) -> None:
    unsaid = a_profile()
    del unsaid["work"]["commute"]
    answer = await looking.put(MINE, json=unsaid, headers={"If-Match": '"1"'})
    assert answer.json()["work"]["commute"] is False
    assert (await looking.get(MINE)).json() == answer.json()
    event = (await door.announced())[-1]
    assert isinstance(event, SeekerProfiled)
    assert (event.version, event.data.commute) == (2, False)


async def test_a_revision_that_says_nothing_new_announces_nothing(
    door: Door, looking: httpx.AsyncClient
) -> None:
    answer = await looking.put(MINE, json=PROFILE, headers={"If-Match": '"1"'})
    assert answer.headers["etag"] == '"1"'
    assert len(await door.announced()) == 1


async def test_a_revision_needs_the_version_it_is_of(looking: httpx.AsyncClient) -> None:
    assert (await looking.put(MINE, json=PROFILE)).status_code == 428
    stale = await looking.put(MINE, json=a_profile(text="新"), headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert stale.headers["etag"] == '"1"'


async def test_withdrawing_twice_announces_once(door: Door, looking: httpx.AsyncClient) -> None:
    assert (await looking.delete(MINE)).status_code == 204
    assert (await looking.delete(MINE)).status_code == 204
    _, event = await door.announced()
    assert isinstance(event, SeekerWithdrawn)
    assert event.version == 2
    assert (await looking.get(MINE)).json()["status"] == "withdrawn"


async def test_who_withdrew_comes_back_with_the_same_profile(
    door: Door, looking: httpx.AsyncClient
) -> None:
    await looking.delete(MINE)
    answer = await looking.put(MINE, json=PROFILE, headers={"If-Match": '"2"'})
    assert answer.json()["status"] == "looking"
    assert answer.headers["etag"] == '"3"'
    assert (await door.announced())[-1].type == "SeekerProfiled"


async def test_nobody_reads_or_changes_anothers(
    looking: httpx.AsyncClient, someone_else: httpx.AsyncClient
) -> None:
    await someone_else.post("/v1/seekers", json=a_profile())
    unknown = "/v1/seekers/00000000-0000-5000-8000-000000000000"
    match_any = {"If-Match": "*"}
    for path in (OTHER, unknown):
        answers = [
            await looking.get(path),
            await looking.put(path, json=PROFILE, headers=match_any),
            await looking.delete(path),
            await looking.get(f"{path}/matches"),
            await looking.get(f"{path}/stream"),
            await looking.put(f"{path}/webhook", json={"url": "https://a.example/"}),
            await looking.get(f"{path}/webhook"),
            await looking.delete(f"{path}/webhook"),
            await looking.get(f"{path}/webhook/deliveries"),
            await looking.post(f"{path}/webhook/deliveries/1/replay"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.json()["type"] for answer in answers} == {"urn:rengang:problem:not_found"}


async def test_without_a_profile_nothing_is_there(li_na: httpx.AsyncClient) -> None:
    paths = ("/v1/seekers/me", MINE, f"{MINE}/matches", f"{MINE}/stream", f"{MINE}/webhook")
    assert {(await li_na.get(path)).status_code for path in paths} == {404}
    assert (await li_na.delete(MINE)).status_code == 404


async def test_only_seekers_have_profiles(door: Door) -> None:
    for role in ("employer", "partner", "planner", "operator"):
        caller = door.caller("acct-x", role)
        assert (await caller.post("/v1/seekers", json=PROFILE)).status_code == 403
        assert (await caller.get(MINE)).status_code == 403


async def test_what_is_kept_already_is_not_sent_again(looking: httpx.AsyncClient) -> None:
    answer = await looking.get(MINE, headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_every_route_says_what_it_does_in_both_languages(li_na: httpx.AsyncClient) -> None:
    document = (await li_na.get("/openapi.json")).json()
    operations: list[dict[str, Any]] = [
        operation for item in document["paths"].values() for operation in item.values()
    ]
    assert len(operations) == 13
    for operation in operations:
        assert not operation["summary"].isascii()
        assert operation["x-roles"] in (["seeker"], ["partner", "operator"])
