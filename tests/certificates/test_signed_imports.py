"""Signed imports: proven before anything is taken in, and taken up where they stopped."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dev import signed_files
from dev.signed_files import CSV, NDJSON
from services.certificates.actions.importing import MOST_LINES
from services.certificates.actions.reviewing import lapse_expired
from services.certificates.actions.signed_importing import drop_old_reports
from services.certificates.domain.signed_imports import LEEWAY
from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import (
    ISSUER,
    LI_NA,
    NUMBER,
    WANG_WEI,
    a_line,
    a_number,
    a_statement,
)
from tests.certificates.signing import IMPORTS, Signer, ndjson


@pytest.fixture
async def signer(door: CertificatesDoor) -> Signer:
    signer = Signer(door)
    assert (await signer.register()).status_code == 201
    return signer


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def count(db: Database, table: str = "registry") -> int:
    async with db.transaction() as tx:
        return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_partner_brings_in_what_the_issuer_signed(
    signer: Signer, door: CertificatesDoor
) -> None:
    early = await door.claim(a_statement())
    report = await signer.import_(a_line(), a_line(level=9), a_line(number=a_number(2), level=5))
    assert early["status"] == "rejected"
    assert (await door.told())[-1] == ("CertificateVerified", 3, 1)
    counts = {key: report[key] for key in ("rows", "done", "created", "rejected", "unchanged")}
    assert counts == {"rows": 3, "done": 3, "created": 2, "rejected": 1, "unchanged": 0}
    assert [line["status"] for line in report["lines"]] == ["created", "rejected", "created"]
    assert [error["pointer"] for error in report["lines"][1]["errors"]] == ["/level"]
    assert report["flagged"] == [{"line": 3, "flags": ["number_says_other_level"]}]
    assert (report["issuer"], report["finished_at"]) == (ISSUER, "2026-03-01T08:00:00Z")


async def test_what_became_of_each_line_is_dropped_after_a_while(
    signer: Signer, door: CertificatesDoor
) -> None:
    old = await signer.import_(a_line(), a_line(level=9))
    door.clock.pass_(days=60)
    new = await signer.import_(a_line(number=a_number(2)))
    operator = door.caller("op-1", "operator")
    keep = timedelta(days=90)
    assert await drop_old_reports(door.db, door.clock(), keep) == 0
    door.clock.pass_(days=30, seconds=1)
    assert await drop_old_reports(door.db, door.clock(), keep) == 1
    assert await drop_old_reports(door.db, door.clock(), keep) == 0
    left = (await operator.get(f"{IMPORTS}/{old['import_id']}")).json()
    assert left == {
        **old,
        "lines": [],
        "flagged": [],
        "report_dropped_at": "2026-05-30T08:00:01Z",
    }
    assert (await operator.get(f"{IMPORTS}/{new['import_id']}")).json() == new
    async with door.db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM imports WHERE signature <> ''") == 2
        assert await tx.fetchval("SELECT count(*) FROM registry") == 2


async def test_an_import_that_goes_on_after_its_report_was_dropped_reports_the_rest(
    signer: Signer, door: CertificatesDoor, db: Database
) -> None:
    file = ndjson(*(a_line(number=a_number(n)) for n in range(3)))
    signature = signer.sign(file)
    report = signer.report(await signer.post(file, signature))
    # As it is where a process died after the first two rows.
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM import_batches")
        await tx.execute("UPDATE imports SET n_done = 2, finished_at = NULL")
        await tx.execute(
            "INSERT INTO import_batches SELECT import_id, 0, 2, 2, 0, 0, 0, '{}', '' FROM imports"
        )
    door.clock.pass_(days=91)
    assert await drop_old_reports(db, door.clock(), timedelta(days=90)) == 1
    again = signer.report(await signer.post(file, signature))
    assert (again["done"], again["created"], again["import_id"]) == (3, 2, report["import_id"])
    assert [line["line"] for line in again["lines"]] == [3]
    assert again["report_dropped_at"] is not None
    door.clock.pass_(days=91)
    assert await drop_old_reports(db, door.clock(), timedelta(days=90)) == 1
    operator = door.caller("op-1", "operator")
    assert (await operator.get(f"{IMPORTS}/{report['import_id']}")).json()["lines"] == []


async def test_the_report_is_kept_for_its_sender_and_operators(
    signer: Signer, door: CertificatesDoor
) -> None:
    report = await signer.import_(a_line(), a_line(level=9))
    path = f"{IMPORTS}/{report['import_id']}"
    for who in (("yuxi", "partner"), ("op-1", "operator")):
        assert (await door.caller(*who).get(path)).json() == report
    progress = await door.caller("yuxi", "partner").get(path, params={"lines": "false"})
    assert progress.json() == {k: v for k, v in report.items() if k not in ("lines", "flagged")}
    other = await door.caller("chuxiong", "partner").get(path)
    unknown = await door.caller("op-1", "operator").get(f"{IMPORTS}/{uuid4()}")
    assert (other.status_code, unknown.status_code) == (404, 404)


async def test_a_line_of_another_issuer_is_refused(signer: Signer, db: Database) -> None:
    report = await signer.import_(a_line(), a_line(number=a_number(2), issuer="S000053000124"))
    assert [line["status"] for line in report["lines"]] == ["created", "rejected"]
    assert report["lines"][1]["errors"][0]["pointer"] == "/issuer"
    assert await count(db) == 1


async def test_what_is_not_proven_is_refused_whole(
    signer: Signer, door: CertificatesDoor, db: Database
) -> None:
    file = ndjson(a_line())
    stranger = Signer(door, key=Ed25519PrivateKey.generate())
    unregistered = Signer(door, "S000053000999", signer.key)
    good = signer.sign(file)
    head, body, tail = good.split(".")
    said = signed_files.said_by(good)
    now = int(door.clock().timestamp())
    as_receipt = jwt.encode(
        said,
        signer.key,
        algorithm="EdDSA",
        headers={"kid": jwt.get_unverified_header(good)["kid"], "typ": "rengang-receipt+jwt"},
    )
    late = int(LEEWAY.total_seconds())
    refused = [
        await signer.post(file, signature)
        for signature in (
            "nonsense",
            as_receipt,
            stranger.sign(file),
            f"{head}.{body}.{tail[:-6]}AAAAAA",
            unregistered.sign(file),
            signer.sign(file, iat=now + late + 1),
        )
    ]
    assert [code_of(answer) for answer in refused] == [
        (400, "signature_malformed"),
        (400, "signature_malformed"),
        (403, "signature_unknown_key"),
        (403, "signature_wrong"),
        (422, "issuer_not_registered"),
        (422, "signature_from_the_future"),
    ]
    other = await signer.post(file + b"\n", good)
    fewer = await signer.post(file, resigned(signer, file, n_rows=2))
    wrong_type = await signer.post(file, good, content_type=CSV)
    missing = await door.caller("yuxi", "partner").post(IMPORTS, content=file)
    assert [code_of(answer) for answer in (other, fewer, wrong_type, missing)] == [
        (422, "file_differs"),
        (422, "rows_differ"),
        (415, "content_type_not_supported"),
        (422, "content_not_accepted"),
    ]
    assert (await count(db), await count(db, "imports")) == (0, 0)
    assert (await signer.post(file, signer.sign(file, iat=now + late))).status_code == 200


def resigned(signer: Signer, file: bytes, *, n_rows: int) -> str:
    said = signed_files.said_by(signer.sign(file)) | {"rows": n_rows}
    headers = {"kid": signed_files.public_jwk(signer.key)["kid"], "typ": signed_files.TYPE}
    return jwt.encode(said, signer.key, algorithm="EdDSA", headers=headers)


@pytest.mark.parametrize("role", ["employer", "seeker", "planner"])
async def test_only_operators_and_partners_send(refusing: CertificatesDoor, role: str) -> None:
    signer = Signer(refusing)
    answer = await signer.post(b"", signer.sign(b""), sender=("somebody", role))
    assert answer.status_code == 403


async def test_an_issuer_of_another_city_is_sent_there(
    signer: Signer, door: CertificatesDoor, db: Database
) -> None:
    async with db.transaction() as tx:
        await tx.execute("UPDATE issuers SET origin = 'qujing'")
    file = ndjson(a_line())
    answer = await signer.post(file, signer.sign(file))
    assert code_of(answer) == (422, "issuer_of_another_city")
    assert (await door.import_(a_line()))["rejected"] == 1
    assert await count(db) == 0


async def test_an_id_stands_for_one_file(signer: Signer, db: Database) -> None:
    import_id = uuid4()
    one, other = ndjson(a_line()), ndjson(a_line(number=a_number(2)))
    first = await signer.post(one, signer.sign(one, import_id=import_id))
    second = await signer.post(other, signer.sign(other, import_id=import_id))
    assert code_of(second) == (409, "import_id_used")
    again = await signer.post(one, signer.sign(one, import_id=import_id))
    assert (again.json(), await count(db)) == (first.json(), 1)


async def test_a_broken_import_goes_on_where_it_stopped(
    signer: Signer, door: CertificatesDoor, db: Database
) -> None:
    n_lines = 2 * MOST_LINES + 500
    file = ndjson(*(a_line(number=a_number(n)) for n in range(n_lines)))
    signature = signer.sign(file)
    import_id = signed_files.said_by(signature)["import_id"]
    async with db.transaction() as tx:
        await tx.execute(
            f"ALTER TABLE import_batches ADD CONSTRAINT broken CHECK (first_row < {MOST_LINES})"
        )
    assert (await signer.post(file, signature)).status_code == 500
    operator = door.caller("op-1", "operator")
    halfway = (await operator.get(f"{IMPORTS}/{import_id}")).json()
    assert (halfway["done"], halfway["rows"], len(halfway["lines"])) == (
        MOST_LINES,
        n_lines,
        MOST_LINES,
    )
    assert (await count(db), halfway["finished_at"]) == (MOST_LINES, None)
    async with db.transaction() as tx:
        await tx.execute("ALTER TABLE import_batches DROP CONSTRAINT broken")
    report = signer.report(await signer.post(file, signature))
    assert report["lines"][:MOST_LINES] == halfway["lines"]
    assert [line["line"] for line in report["lines"]] == list(range(1, n_lines + 1))
    assert (report["created"], report["unchanged"], report["done"]) == (n_lines, 0, n_lines)
    assert await count(db) == n_lines


async def test_two_who_send_one_file_at_once_take_it_in_once(signer: Signer, db: Database) -> None:
    n_lines = 2 * MOST_LINES + 1
    file = ndjson(*(a_line(number=a_number(n)) for n in range(n_lines)))
    signature = signer.sign(file)
    answers = await asyncio.gather(
        *(signer.post(file, signature, sender=(who, "partner")) for who in ("yuxi", "dali"))
    )
    reports = [signer.report(answer) for answer in answers]
    assert reports[0] == reports[1]
    assert (reports[0]["created"], await count(db)) == (n_lines, n_lines)


async def test_an_older_statement_gives_way_to_a_newer_one(
    signer: Signer, door: CertificatesDoor
) -> None:
    await door.claim(a_statement())
    now = int(door.clock().timestamp())
    await signer.import_(a_line(level=5), iat=now - 60)
    report = await signer.import_(a_line(level=3), iat=now - 120)
    assert report["lines"][0]["status"] == "unchanged"
    assert report["flagged"] == [
        {"line": 1, "flags": ["number_says_other_level", "newer_statement_kept"]}
    ]
    # The same said again counts from then on: what was said in between comes too late.
    await signer.import_(a_line(level=5), iat=now)
    await signer.import_(a_line(level=2), iat=now - 30)
    (proof,) = await door.in_force()
    assert proof.level == 5
    await signer.import_(a_line(level=2), iat=now)
    assert [proof.level for proof in await door.in_force()] == [2]


async def test_a_revocation_is_final_unless_corrected(
    signer: Signer, door: CertificatesDoor
) -> None:
    await signer.import_(a_line())
    await door.claim(a_statement())
    await signer.import_(a_line(status="revoked"))
    report = await signer.import_(a_line(), a_line(status="suspended"), a_line(status="revoked"))
    assert [line["status"] for line in report["lines"]] == ["rejected", "rejected", "unchanged"]
    assert "correct" in report["lines"][0]["errors"][0]["en"]
    assert (await door.told())[-1] == ("CertificateLapsed", 3, 0)
    renamed = await signer.import_(a_line(status="revoked", name="电工（注销）"))
    corrected = await signer.import_(a_line(action="correct"))
    assert [renamed["revised"], corrected["revised"]] == [1, 1]
    assert (await door.told())[-1][::2] == ("CertificateVerified", 1)


async def test_what_stood_there_before_is_kept(signer: Signer, db: Database) -> None:
    await signer.import_(a_line())
    changed = await signer.import_(a_line(holder_name="李娜娜样例", level=5))
    await signer.import_(a_line(holder_name="李娜娜样例", level=5))
    async with db.transaction() as tx:
        (row,) = await tx.fetch("SELECT * FROM registry_history")
        (entry,) = await tx.fetch("SELECT * FROM registry")
    assert str(row["entry_id"]) == changed["lines"][0]["id"] == str(entry["entry_id"])
    assert (row["was"]["level"], entry["level"]) == (4, 5)
    assert row["was"]["holder_digest"] != "\\x" + entry["holder_digest"].hex()
    assert str(row["import_id"]) == changed["import_id"]


async def test_each_entry_has_a_place_of_its_own_that_tells_nothing(
    signer: Signer, db: Database
) -> None:
    n_lines = 400
    await signer.import_(*(a_line(number=a_number(n)) for n in range(n_lines)))
    await signer.import_(a_line(number=a_number(0), status="revoked"))
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT status_list, status_index FROM registry ORDER BY entry_id")
    places = [row["status_index"] for row in rows]
    assert {row["status_list"] for row in rows} == {0}
    assert len(set(places)) == n_lines
    rising = sum(one < other for one, other in pairwise(places))
    assert 150 < rising < 250
    assert max(places) - min(places) > 100_000


async def test_an_empty_file_is_an_import_of_nothing(signer: Signer) -> None:
    answer = await signer.post(b"\n", signer.sign(b"\n"))
    report = signer.report(answer)
    assert (report["rows"], report["done"], report["lines"]) == (0, 0, [])
    assert report["finished_at"] is not None


async def test_odd_lines_are_told_by_their_number_in_the_file(signer: Signer) -> None:
    good = ndjson(a_line())
    long = b'{"number": "' + b"9" * 200_000 + b'"}'
    doubled = good.replace(b'"number"', b'"number": "S1234", "number"')
    nested = good.replace(NUMBER.encode(), b"\\u0053" + NUMBER[1:].encode())
    file = b"\xef\xbb\xbf\n" + b"\n".join([long, b"", doubled, b"[1]", nested]) + b"\r\n"
    report = signer.report(await signer.post(file, signer.sign(file)))
    assert [(line["line"], line["status"]) for line in report["lines"]] == [
        (1, "rejected"),
        (2, "rejected"),
        (4, "rejected"),
        (5, "rejected"),
        (6, "created"),
    ]


async def test_a_title_has_ranks_of_its_own(signer: Signer, door: CertificatesDoor) -> None:
    number = "云职称〔2023〕00017"
    civil: dict[str, Any] = {"kind": "title", "occupation": "2-02-18-01"}
    report = await signer.import_(
        a_line(number=number, level="副高级", name="高级工程师", **civil),
        a_line(number="云职称〔2023〕00018", level="三级", **civil),
        a_line(number="云职称〔2023〕00019", level=6, **civil),
    )
    assert [line["status"] for line in report["lines"]] == ["created", "rejected", "rejected"]
    assert report["flagged"] == []
    claim = await door.claim(a_statement(number=number))
    said = {
        key: claim["certificate"][key] for key in ("level", "level_label", "title_rank", "kind")
    }
    assert said == {"level": None, "level_label": "副高级", "title_rank": 4, "kind": "title"}


CARD: dict[str, Any] = {"number": LI_NA.operation_number, "level": None, "name": "特种作业"}


async def test_a_card_counts_until_its_review_is_due(
    signer: Signer, door: CertificatesDoor, db: Database
) -> None:
    await signer.import_(a_line(issued_on="2023-03-01", valid_until="2029-02-28", **CARD))
    claim = await door.claim(a_statement(number=LI_NA.operation_number))
    assert claim["certificate"]["review_due"] == "2026-03-01"
    assert claim["certificate"]["kind"] == "special-operation"
    door.clock.pass_(hours=7, minutes=59, seconds=59)
    assert await lapse_expired(db, door.clock()) == 0
    door.clock.pass_(seconds=1)
    assert await lapse_expired(db, door.clock()) == 1
    event = (await door.folder_events())[-1]
    assert (event.type, event.data.changed.reason) == ("CertificateLapsed", "review-overdue")
    await signer.import_(
        a_line(issued_on="2023-03-01", valid_until="2029-02-28", reviewed_on="2026-03-01", **CARD)
    )
    event = (await door.folder_events())[-1]
    assert event.type == "CertificateVerified"
    # When it ends is the validity's to say: a review is asked for in between.
    assert str(event.data.in_force[0].valid_until) == "2029-02-28 16:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({}, "2026-06-30"),
        ({"reviewed_on": "2026-02-27"}, "2029-02-27"),
        ({"reviewed_on": "2024-02-29"}, "2027-02-28"),
        ({"review_due": "2026-05-01", "reviewed_on": "2024-05-01"}, "2026-05-01"),
    ],
)
async def test_when_the_next_review_is_due(
    signer: Signer, db: Database, changes: dict[str, Any], due: str
) -> None:
    await signer.import_(a_line(**CARD, **changes))
    # A later line that says nothing of reviews undoes none.
    report = await signer.import_(a_line(**{**CARD, "name": "特种作业"}, valid_until="2029-06-29"))
    async with db.transaction() as tx:
        kept = await tx.fetchval("SELECT review_due FROM registry")
    assert (str(kept), report["revised"]) == (due, 1)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reviewed_on": "2026-03-02"}, "/reviewed_on"),
        ({"reviewed_on": "2023-06-29"}, "/review_due"),
        ({"review_due": "2023-06-29"}, "/review_due"),
        ({"number": NUMBER, "reviewed_on": "2025-01-01"}, "/review_due"),
        ({"kind": "licence"}, "/kind"),
        ({"action": "erase"}, "/action"),
    ],
)
async def test_a_review_that_makes_no_sense_is_refused(
    signer: Signer, changes: dict[str, Any], pointer: str
) -> None:
    report = await signer.import_(a_line(**{**CARD, **changes}))
    assert [error["pointer"] for error in report["lines"][0]["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"issuer": ISSUER, "number": "S000053000124233000456"}, ["number_says_other_issuer"]),
        ({"kind": "qualification"}, ["number_says_other_kind"]),
        ({"number": "2353011223301234", "kind": "qualification"}, []),
        ({"number": WANG_WEI.operation_number, "level": None}, ["number_says_other_holder"]),
    ],
)
async def test_a_number_that_says_otherwise_is_flagged(
    signer: Signer, changes: dict[str, Any], flags: list[str]
) -> None:
    report = await signer.import_(a_line(**changes))
    assert report["created"] == 1
    assert report["flagged"] == ([{"line": 1, "flags": flags}] if flags else [])


async def test_the_clock_of_an_issuer_may_be_a_little_ahead(
    signer: Signer, door: CertificatesDoor
) -> None:
    ahead = int((door.clock() + timedelta(minutes=4)).timestamp())
    await signer.import_(a_line(), iat=ahead)
    file = ndjson(a_line(status="revoked"))
    report = signer.report(await signer.post(file, signer.sign(file, media_type=NDJSON)))
    assert report["flagged"][0]["flags"] == ["newer_statement_kept"]
