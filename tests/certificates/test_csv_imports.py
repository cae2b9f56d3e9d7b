"""Tables of certificates: as spreadsheets write them, in either encoding and either language."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.certificates.api.certificate_files import COLUMNS
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import (
    ISSUER,
    LI_NA,
    NUMBER,
    a_line,
    a_number,
    a_statement,
)
from tests.certificates.signing import Signer

CHINESE = {field: names[0] for field, names in COLUMNS.items()}


@pytest.fixture
async def signer(door: CertificatesDoor) -> Signer:
    signer = Signer(door)
    await signer.register()
    return signer


def table(
    lines: Sequence[Mapping[str, Any]], names: Mapping[str, str], *, encoding: str = "utf-8"
) -> bytes:
    """A table of these lines with a column for each that is named."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names.values())
    writer.writerows([line.get(field, "") for field in names] for line in lines)
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("names", [CHINESE, {field: field for field in COLUMNS}])
async def test_a_table_is_read_like_lines(
    signer: Signer, door: CertificatesDoor, encoding: str, names: Mapping[str, str]
) -> None:
    lines = [a_line(status="有效" if names is CHINESE else "in_force"), a_line(level=9)]
    report = await signer.import_csv(table(lines, names, encoding=encoding))
    assert [(line["line"], line["status"]) for line in report["lines"]] == [
        (2, "created"),
        (3, "rejected"),
    ]
    claim = await door.claim(a_statement())
    assert (claim["status"], claim["certificate"]["level_label"]) == ("verified", "三级")


async def test_a_table_and_lines_say_the_same(signer: Signer, door: CertificatesDoor) -> None:
    await signer.import_(a_line(valid_until="2029-06-29"))
    report = await signer.import_csv(table([a_line(valid_until="2029-06-29")], CHINESE))
    assert report["unchanged"] == 1


async def test_a_word_that_is_not_known_is_answered_with_those_that_are(signer: Signer) -> None:
    lines = [a_line(status="valid"), a_line(kind="证书"), a_line(status="暂停", action="登记")]
    names = {**CHINESE, "kind": "证书类型", "action": "操作"}
    report = await signer.import_csv(table(lines, names))
    first, second, third = report["lines"]
    assert third["status"] == "created"
    for line, pointer, words in (
        (first, "/status", ("有效", "暂停", "撤销")),
        (second, "/kind", ("职业技能等级证书", "职称")),
    ):
        (error,) = line["errors"]
        assert error["pointer"] == pointer
        assert all(word in error["zh"] for word in words)
    assert "in_force" in first["errors"][0]["en"]


async def test_cells_may_be_quoted(signer: Signer, door: CertificatesDoor) -> None:
    names = {field: field for field in a_line()}
    header = ",".join(names).encode()
    cells = {**a_line(), "name": '"电工,\r\n""高压"""'}
    file = header + b"\r\n" + ",".join(map(str, cells.values())).encode() + b"\r\n\r\n"
    report = await signer.import_csv(file)
    # A name may hold no line break; that it is said of the name shows that the cell was read whole.
    assert [error["pointer"] for error in report["lines"][0]["errors"]] == ["/name"]
    cells["name"] = '"电工,""高压"""'
    await signer.import_csv(header + b"\n" + ",".join(map(str, cells.values())).encode())
    claim = await door.claim(a_statement())
    assert claim["certificate"]["name"] == '电工,"高压"'


async def test_broken_rows_do_not_stop_the_others(signer: Signer) -> None:
    names = {field: field for field in a_line()}
    good = table([a_line(number=a_number(7))], names).split(b"\r\n")[1]
    rows = [
        table([a_line()], names).split(b"\r\n")[0],
        good + b",more",
        good.rpartition(b",")[0],
        b'"' + good[:5] + b'"x' + good[5:],
        b",,,,",
        good,
        good.replace(b"\xe6", b"\xff", 1),
    ]
    report = await signer.import_csv(b"\n".join(rows), "text/csv; charset=utf-8")
    assert [(line["line"], line["status"]) for line in report["lines"]] == [
        (2, "rejected"),
        (3, "rejected"),
        (4, "rejected"),
        (6, "created"),
        (7, "rejected"),
    ]
    told = str(report)
    for secret in (LI_NA.name, LI_NA.identity, a_number(7)):
        assert secret not in told


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({**CHINESE, "name": "品名"}, ["1 column(s)", "missing: name"]),
        ({"number": "证书编号", "holder_name": "证书号"}, ["twice: number"]),
        ({"number": NUMBER, "holder_name": LI_NA.name}, ["2 column(s)"]),
    ],
)
async def test_a_header_that_is_not_understood_is_refused_and_not_repeated(
    signer: Signer, door: CertificatesDoor, names: dict[str, str], words: list[str]
) -> None:
    file = table([a_line()], names)
    answer = await signer.post(
        file, signer.sign(file, media_type="text/csv"), content_type="text/csv"
    )
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (
        422,
        "urn:rengang:problem:header_not_understood",
    )
    said = (await signer_in_english(signer, door, file)).json()["detail"]
    assert all(word in said for word in words)
    for secret in (NUMBER, LI_NA.name):
        assert secret not in answer.text


async def signer_in_english(signer: Signer, door: CertificatesDoor, file: bytes) -> Any:
    headers = {
        "Rengang-Signature": signer.sign(file, media_type="text/csv"),
        "Content-Type": "text/csv",
    }
    caller = door.caller("op-1", "operator", "en")
    return await caller.post("/v1/registry/imports", content=file, headers=headers)


@pytest.mark.parametrize("content_type", ["text/csv; charset=big5", "text/plain", ""])
async def test_another_content_type_is_refused(signer: Signer, content_type: str) -> None:
    file = table([a_line(issuer=ISSUER)], CHINESE)
    answer = await signer.post(
        file, signer.sign(file, media_type="text/csv"), content_type=content_type
    )
    assert answer.status_code == 415
