"""The registry's import: every line answered for, repeats without effect, oddities flagged."""

import asyncio
import json
from typing import Any

import pytest

from services.certificates.actions.importing import MOST_LINES
from services.kit.database import Database
from tests.certificates.conftest import IMPORT, CertificatesDoor
from tests.certificates.samples import (
    EVERYBODY,
    LI_NA,
    NUMBER,
    WANG_WEI,
    a_line,
    a_number,
    a_statement,
)

NDJSON = {"Content-Type": "application/x-ndjson"}


async def entries(db: Database) -> list[dict[str, Any]]:
    """What is said of each certificate; not when it was said last."""
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT * FROM registry ORDER BY changed_at, entry_id")
    return [{name: row[name] for name in dict(row) if name != "stated_at"} for row in rows]


async def test_each_line_is_answered_for(door: CertificatesDoor, db: Database) -> None:
    await door.import_(a_line())
    report = await door.import_(
        a_line(),
        a_line(number=a_number(2)),
        a_line(level=9),
        a_line(valid_until="2030-06-30"),
    )
    counts = {key: report[key] for key in ("total", "created", "revised", "unchanged", "rejected")}
    assert counts == {"total": 4, "created": 1, "revised": 1, "unchanged": 1, "rejected": 1}
    assert [line["status"] for line in report["lines"]] == [
        "unchanged",
        "created",
        "rejected",
        "revised",
    ]
    assert [error["pointer"] for error in report["lines"][2]["errors"]] == ["/level"]
    assert {str(entry["entry_id"]) for entry in await entries(db)} == {
        report["lines"][n]["id"] for n in (1, 3)
    }


async def test_importing_again_changes_and_announces_nothing(
    door: CertificatesDoor, db: Database
) -> None:
    lines = [a_line(person, number=a_number(n)) for n, person in enumerate(EVERYBODY)]
    await door.import_(*lines)
    await door.claim(a_statement(number=a_number(0)))
    before, told = await entries(db), await door.told()
    door.clock.pass_(days=1)
    report = await door.import_(*lines, *lines)
    assert (report["unchanged"], report["total"]) == (6, 6)
    assert (await entries(db), await door.told()) == (before, told)


async def test_the_later_line_of_one_certificate_wins(door: CertificatesDoor) -> None:
    report = await door.import_(
        a_line(), a_line(status="suspended"), a_line(name="电工（补发）"), a_line(level=5)
    )
    assert [line["status"] for line in report["lines"]] == ["created"] + ["revised"] * 3
    claim = await door.claim(a_statement())
    assert claim["certificate"]["level"] == 5


async def test_an_import_larger_than_a_transaction_is_taken_in_whole(
    door: CertificatesDoor, db: Database
) -> None:
    n_lines = 2 * MOST_LINES + 1
    report = await door.import_(*(a_line(number=a_number(n)) for n in range(n_lines)))
    assert (report["created"], len(await entries(db))) == (n_lines, n_lines)


async def test_two_imports_at_once_agree(door: CertificatesDoor, db: Database) -> None:
    lines = [a_line(number=a_number(n)) for n in range(50)]
    one, other = await asyncio.gather(door.import_(*lines), door.import_(*reversed(lines)))
    assert one["created"] + other["created"] == 50
    assert one["unchanged"] + other["unchanged"] == 50
    assert len(await entries(db)) == 50


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, []),
        ({"number": "2353011223301234"}, []),
        ({"number": "DZ20230001"}, ["unusual_number"]),
        ({"number": "滇（2023）字第 0017 号"}, ["unusual_number"]),
        ({"level": "二级"}, ["number_says_other_level"]),
        ({"issued_on": "2022-06-30"}, ["number_says_other_year"]),
        ({"number": WANG_WEI.operation_number}, ["number_says_other_holder"]),
        ({"number": LI_NA.operation_number}, []),
    ],
)
async def test_an_odd_number_is_taken_and_flagged(
    door: CertificatesDoor, changes: dict[str, Any], flags: list[str]
) -> None:
    report = await door.import_(a_line(**changes))
    assert report["created"] == 1
    assert report["flagged"] == ([{"line": 1, "flags": flags}] if flags else [])


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"identity_number": "530102199003070017"}, "/identity_number", "check digit"),
        ({"identity_number": "530102199002300011"}, "/identity_number", "birth date"),
        ({"identity_number": "53010219900307"}, "/identity_number", "18 digits"),
        ({"identity_number": 530102199003070016}, "/identity_number", "Must be a text"),
        ({"number": "X1"}, "/number", "4 to 64"),
        ({"number": ["S1"]}, "/number", "Must be a text"),
        ({"number": "S000\u200b053"}, "/number", "4 to 64"),
        ({"holder_name": "  "}, "/holder_name", "1 to 100"),
        ({"holder_name": "李\u0007娜"}, "/holder_name", "control"),
        ({"occupation": "6-31-01-99"}, "/occupation", "2022"),
        ({"occupation": "6-31"}, "/occupation", "2022"),
        ({"level": 9}, "/level", "1 (学徒工) to 8"),
        ({"level": 0}, "/level", "1 (学徒工) to 8"),
        ({"level": True}, "/level", "1 (学徒工) to 8"),
        ({"level": "3"}, "/level", "ambiguous"),
        ({"level": "三级/技师"}, "/level", "1 (学徒工) to 8"),
        ({"name": ""}, "/name", "at least 1"),
        ({"name": "电工 李娜样例"}, "/name", "holder's name"),
        ({"issuer": LI_NA.identity}, "/issuer", "holder's name"),
        ({"issuer": "昆明 鉴定所"}, "/issuer", "form"),
        ({"issued_on": "2023-02-30"}, "/issued_on", "date"),
        ({"issued_on": 1688083200}, "/issued_on", "date"),
        ({"issued_on": "2026-03-02"}, "/issued_on", "future"),
        ({"valid_until": "2023-06-29"}, "/valid_until", "before"),
        ({"status": "valid"}, "/status", "Must be"),
        ({"status": None}, "/status", "missing"),
        ({"sex": "女"}, "/sex", "no such field"),
    ],
)
async def test_a_bad_line_is_refused_with_its_place_and_nothing_of_the_person(
    refusing: CertificatesDoor, changes: dict[str, Any], pointer: str, words: str
) -> None:
    report = await refusing.import_(a_line(**changes))
    assert (report["total"], report["rejected"], await refusing.kept()) == (1, 1, 0)
    (error,) = report["lines"][0]["errors"]
    assert error["pointer"] == pointer
    assert words in error["en"]
    assert error["zh"]
    told = json.dumps(report, ensure_ascii=False)
    for secret in (LI_NA.name, LI_NA.identity, NUMBER, "53010219900"):
        assert secret not in told


async def test_printed_levels_are_kept_beside_the_ordinal(
    door: CertificatesDoor, db: Database
) -> None:
    labels = ["三级", "高级工", "国家职业资格三级（高级技能）", "三级/高级工", "Ⅲ级", 4, None]
    await door.import_(*(a_line(number=a_number(n), level=x) for n, x in enumerate(labels)))
    kept = {entry["level_label"]: entry["level"] for entry in await entries(db)}
    assert kept == {**dict.fromkeys((label for label in labels[:5]), 4), None: None}


@pytest.mark.parametrize(
    ("body", "rejected", "created"),
    [
        (b'{"number": "S0000', 1, 0),
        (b"\xff\xfe{}", 1, 0),
        (b'{"number": "\\u0000"}', 1, 0),
        (b'{"holder_name": "\\ud800"}', 1, 0),
        (b"[1, 2]", 1, 0),
        (b"null\n\n\r\n", 1, 0),
        (b'{"number": "' + b"9" * 70_000 + b'"}', 1, 0),
        (b"\xef\xbb\xbf" + json.dumps(a_line()).encode() + b"\r\n", 0, 1),
        (b"", 0, 0),
    ],
)
async def test_broken_lines_do_not_stop_the_others(
    door: CertificatesDoor, body: bytes, rejected: int, created: int
) -> None:
    good = json.dumps(a_line(number=a_number(77))).encode()
    answer = await door.caller("op-1", "operator").post(
        IMPORT, content=body + b"\n" + good, headers=NDJSON
    )
    report = answer.json()
    assert answer.status_code == 200
    assert (report["rejected"], report["created"]) == (rejected, created + 1)


async def test_what_is_too_much_is_refused_whole(refusing: CertificatesDoor) -> None:
    operator = refusing.caller("op-1", "operator")
    line = json.dumps(a_line()).encode()
    many = await operator.post(IMPORT, content=b"\n".join([line] * 5_001), headers=NDJSON)
    large = await operator.post(IMPORT, content=b" " * (17 << 20), headers=NDJSON)
    other = await operator.post(IMPORT, content=line, headers={"Content-Type": "text/csv"})
    assert [(a.status_code, a.json()["type"].rpartition(":")[2]) for a in (many, large, other)] == [
        (413, "too_many_lines"),
        (413, "body_too_large"),
        (415, "content_type_not_supported"),
    ]
    assert await refusing.kept() == 0


@pytest.mark.parametrize("role", ["employer", "seeker", "planner", "partner"])
async def test_only_operators_import_what_nobody_signed(
    refusing: CertificatesDoor, role: str
) -> None:
    answer = await refusing.caller("someone", role).post(IMPORT, content=b"{}", headers=NDJSON)
    assert answer.status_code == 403
