"""What no profile is gets a clear problem that names the place, and leaves nothing behind."""

import json
from typing import Any

import httpx
import pytest

from contracts.values import seeker_id_of
from tests.seekers.conftest import Door
from tests.seekers.samples import LI_NA_ID, PROFILE, SOMEONE_ELSE, a_posting_id, a_profile, found

MINE = f"/v1/seekers/{LI_NA_ID}"


async def refused(
    door: Door, client: httpx.AsyncClient, profile: Any, status: int = 422
) -> list[str]:
    """The places at fault; nothing is announced or kept."""
    answer = await client.post("/v1/seekers", json=profile)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await door.announced() == []
    assert (await client.get("/v1/seekers/me")).status_code == 404
    return [fault["pointer"] for fault in answer.json().get("errors", [])]


def pointer(place: str) -> str:
    """The JSON Pointer of a place written with dots."""
    return "".join(f"/{step}" for step in place.split("."))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("person.name", "李"),
        ("person.name", "a" * 51),
        ("person.name", "李娜1"),
        ("person.name", "<script>"),
        ("person.name", 5),
        ("person.phone", "12345678901"),
        ("person.phone", "1380000123"),
        ("person.phone", "0871-1512345"),
        ("person.phone", "+1 415 555 0100"),
        ("person.phone", 13800001234),
        ("person.email", "a@b"),
        ("person.email", "a b@c.example"),
        ("person.email", "@c.example"),
        ("person.birth_date", "2015-01-01"),
        ("person.birth_date", "2010-03-02"),
        ("person.birth_date", "1899-12-31"),
        ("person.birth_date", "1990-02-30"),
        ("person.birth_date", 640000000),
        ("person.birth_date", "1990-01-01T00:00:00Z"),
        ("person.sex", "女"),
        ("person.ethnicity", "汉"),
        ("person.marital_status", "未婚"),
        ("work.titles", []),
        ("work.titles", ["a"] * 6),
        ("work.titles.0", " "),
        ("work.titles.0", "护\n理"),
        ("work.titles.0", "护\u202e理"),
        ("work.titles.0", "\u200b\u200b"),
        ("work.titles.0", "a" * 101),
        ("work.titles.0", None),
        ("work.text", "a" * 4001),
        ("work.text", "\u0007"),
        ("work.occupations.0", "4-10-01"),
        ("work.occupations.0", "养老"),
        ("work.occupations.1", ["4-10-01-05", "4-10-01-05"]),
        ("work.skills.1", ["Python", "ＰＹＴＨＯＮ"]),
        ("work.skills", [str(n) for n in range(101)]),
        ("work.skills.0", "a" * 61),
        ("work.education", 0),
        ("work.education", 8),
        ("work.education", "本科"),
        ("work.experience_years", -1),
        ("work.experience_years", 1.5),
        ("work.experience_years", "5"),
        ("work.counties", []),
        ("work.counties.0", "110101"),
        ("work.counties.0", "五华区"),
        ("work.counties.1", ["530102", "530102"]),
        ("work.counties", [f"5301{n:02}" for n in range(21)]),
        ("work.commute", 1),
        ("work.remote_ok", "yes"),
        ("work.pay_floor", 5000),
        ("work.pay_floor.amount", 0),
        ("work.pay_floor.amount", 1_000_001),
        ("work.pay_floor.amount", 10**18),
        ("work.pay_floor.unit", "week"),
        ("work.employment.0", "slavery"),
        ("work.employment", ["full_time", "full_time"]),
        ("work.household_registration", "农村"),
    ],
)
async def test_a_wrong_part_is_named(
    door: Door, li_na: httpx.AsyncClient, part: str, value: Any
) -> None:
    profile = a_profile()
    top, name, *index = part.split(".")
    if not index:
        profile[top][name] = value
    elif name == "pay_floor":
        profile[top][name][index[0]] = value
    else:
        profile[top][name] = value if isinstance(value, list) else [value]
    assert pointer(part) in await refused(door, li_na, profile)


@pytest.mark.parametrize(
    "missing",
    ["person", "work", "person.name", "person.phone", "work.titles", "work.counties"],
)
async def test_a_missing_part_is_named(door: Door, li_na: httpx.AsyncClient, missing: str) -> None:
    profile = a_profile()
    *path, last = missing.split(".")
    holder = profile[path[0]] if path else profile
    del holder[last]
    assert await refused(door, li_na, profile) == [pointer(missing)]


async def test_all_faults_are_told_at_once(door: Door, li_na: httpx.AsyncClient) -> None:
    profile = a_profile(occupations=["x", "4-10-01-05"], counties=["1", "530102"])
    profile["person"]["birth_date"] = "2020-01-01"
    assert await refused(door, li_na, profile) == [
        pointer("person.birth_date"),
        pointer("work.occupations.0"),
        pointer("work.counties.0"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"person": {"name": "',
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        '{"person": {"name": "李'.encode()[:-1],
        b'{"person": {"name": "a\\u0000b"}}',
        b'{"person": {"name": "\\ud800"}}',
        b'{"person": {}, "person": {}}',
        b'{"person": NaN}',
        b"{" * 10_000,
    ],
    ids=range(13),
)
async def test_what_is_no_json_object_of_ours_is_refused(
    door: Door, li_na: httpx.AsyncClient, body: bytes
) -> None:
    answer = await li_na.post(
        "/v1/seekers", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await door.announced() == []


async def test_a_problem_speaks_the_callers_language(door: Door, li_na: httpx.AsyncClient) -> None:
    profile = json.dumps(a_profile(counties=["110101"]))
    headers = {"Content-Type": "application/json"}
    for language, word in (("zh-CN", "代码"), ("en", "county")):
        answer = await li_na.post(
            "/v1/seekers", content=profile, headers={**headers, "Accept-Language": language}
        )
        assert word in answer.json()["errors"][0]["detail"]


async def test_a_refused_revision_leaves_the_profile(looking: httpx.AsyncClient) -> None:
    wrong = a_profile(counties=["110101"])
    answer = await looking.put(MINE, json=wrong, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    assert (await looking.get(MINE)).json()["work"] == PROFILE["work"]


async def test_addresses_that_are_none_of_ours(looking: httpx.AsyncClient) -> None:
    for path, status in (
        ("/v1/seekers/x", 422),
        ("/v1/seekers/%00", 400),
        ("/v1/seekers/%ff", 400),
        (f"{MINE}/matches?cursor=x", 400),
        (f"{MINE}/matches?limit=0", 422),
        (f"{MINE}/matches?limit=201", 422),
        (f"{MINE}/stream?from=yesterday", 422),
        (f"{MINE}/stream?last_event_id=-1", 422),
        (f"{MINE}/webhook/deliveries?cursor=AAAA", 400),
        (f"{MINE}/nothing", 404),
    ):
        answer = await looking.get(path)
        assert (path, answer.status_code) == (path, status)
        assert answer.headers["content-type"] == "application/problem+json"
    for n in ("0", "x", str(2**63)):
        answer = await looking.post(f"{MINE}/webhook/deliveries/{n}/replay")
        assert answer.status_code == 422


async def test_a_cursor_of_another_seeker_is_none(
    door: Door, looking: httpx.AsyncClient, someone_else: httpx.AsyncClient
) -> None:
    other = seeker_id_of(SOMEONE_ELSE)
    await someone_else.post("/v1/seekers", json=a_profile())
    await door.hear(*(found(a_posting_id(), seeker_id=other) for _ in range(2)))
    page = (await someone_else.get(f"/v1/seekers/{other}/matches?limit=1")).json()
    answer = await looking.get(f"{MINE}/matches", params={"cursor": page["next"]})
    assert answer.status_code == 400
