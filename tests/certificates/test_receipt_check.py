"""Receipts are checked offline: what is genuine, what is not, and what cannot be told."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dev.stack.folder import ROOT
from services.certificates import check as checking
from services.certificates.domain.keys import SigningKey, jwk
from services.certificates.domain.receipt_numbers import in_groups, receipt_number
from services.certificates.domain.receipts import (
    TYPE,
    AnsweredBy,
    Asked,
    CertificateFacts,
    Receipt,
    StatusEntry,
    signed,
)
from services.certificates.domain.statuslist import (
    CONTENT_TYPE,
    Bits,
    StatusList,
    StatusPurpose,
)
from services.certificates.domain.statuslist import TYPE as LIST_TYPE
from tests.certificates.samples import LI_NA, NUMBER, WANG_WEI
from tests.kit.door import served

KEY = SigningKey.of(b"\7" * 32)
OTHER = SigningKey.of(b"\10" * 32)
SALT = b"salt for sixteen"
SALT_TEXT = base64.urlsafe_b64encode(SALT).rstrip(b"=").decode()
URL = "https://kunming.example/v1/status-lists/revocation/0"
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
RECEIPT = Receipt(
    issuer="kunming",
    number=receipt_number(bytes(range(16))),
    issued_at=AT,
    verdict="valid",
    reason=None,
    asked=Asked(SALT, NUMBER, LI_NA.name, LI_NA.identity).hash,
    answered_by=AnsweredBy("kunming", AT),
    certificate=CertificateFacts(
        "skill-level", "6-31-01-03", 4, "三级", "电工", "S000053000123", date(2023, 6, 30), None
    ),
    status=(StatusEntry("revocation", URL, 77),),
)


def a_jws(receipt: Receipt = RECEIPT, key: SigningKey = KEY) -> str:
    return signed(orjson.dumps(receipt.payload()), key, TYPE)


def a_jwks(*keys: SigningKey) -> bytes:
    return orjson.dumps({"keys": [jwk(key.public) for key in keys]})


def a_list(*places: int, key: SigningKey = KEY, hours: float = 1, **changes: Any) -> str:
    now = datetime.now(UTC)
    made = StatusList(
        url=URL,
        purpose=StatusPurpose.REVOCATION,
        issuer="https://kunming.example",
        valid_from=now - timedelta(hours=3),
        valid_until=now + timedelta(hours=hours),
        bits=Bits.having(places),
    )
    return signed(replace(made, **changes).credential(60), key, LIST_TYPE, CONTENT_TYPE)


@dataclass
class Done:
    code: int
    out: str
    err: str


Check = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "receipt.jws").write_text(a_jws() + "\n", encoding="utf-8")
    (tmp_path / "keys.json").write_bytes(a_jwks(KEY))
    return tmp_path


@pytest.fixture
def check(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Checks a file of the folder, as the command does, in English unless told otherwise."""
    monkeypatch.chdir(folder)

    def done(*arguments: str, keys: str | None = "keys.json", lang: str = "en") -> Done:
        given = [f"--keys={keys}"] if keys else []
        code = checking.main([*given, f"--lang={lang}", *arguments])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return done


def test_a_genuine_one(check: Check) -> None:
    done = check("receipt.jws")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("✓ genuine: the signature fits\n")
    for said in (in_groups(RECEIPT.number), "Valid (valid)", "kunming", "高级工（三级）",
                 "2026-03-01 16:00:00 (UTC+8)", "not looked at (--ask or --asked)"):  # fmt: skip
        assert said in done.out


def test_in_chinese(check: Check) -> None:
    done = check("receipt.jws", lang="zh")
    assert done.code == 0
    assert "✓ 签名正确" in done.out
    assert "有效（valid）" in done.out


def test_a_bad_verdict_may_be_genuine(folder: Path, check: Check) -> None:
    (folder / "revoked.jws").write_text(a_jws(replace(RECEIPT, verdict="revoked")))
    done = check("revoked.jws")
    assert done.code == 0
    assert "Revoked (revoked)" in done.out


def test_one_for_a_city_says_so(folder: Path, check: Check) -> None:
    (folder / "for.jws").write_text(a_jws(replace(RECEIPT, audience="yuxi", nonce="n")))
    assert "meant for     yuxi" in check("for.jws").out


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (a_jws(key=OTHER), 2, f"? cannot tell: key {OTHER.kid}"),
        (a_jws(key=SigningKey(KEY.kid, OTHER.private)), 1, "✕ not genuine"),
        (a_jws()[:-8] + "AAAAAAAA", 1, "✕ not genuine"),
        ("a.b.c", 1, "✕ not a receipt"),
    ],
)
def test_one_that_is_not_genuine(
    folder: Path, check: Check, content: str, code: int, said: str
) -> None:
    (folder / "odd.jws").write_text(content)
    done = check("odd.jws")
    assert done.code == code
    assert done.out.startswith(said)
    assert done.out.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"hello", b"{}", b"[", b"\xff\xfe", b'{"receipt": "x"}'])
def test_a_file_without_a_receipt(folder: Path, check: Check, content: bytes) -> None:
    (folder / "odd").write_bytes(content)
    done = check("odd")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("receipt: the file holds no receipt")
    assert done.err.count("\n") == 1


def test_a_file_that_is_not_there(check: Check) -> None:
    done = check("none.jws")
    assert (done.code, done.err) == (
        2,
        "receipt: cannot read none.jws: No such file or directory\n",
    )
    assert check("none.jws", lang="zh").err.startswith("receipt: 读不到 none.jws")


def test_a_saved_answer_is_taken_as_it_is(folder: Path, check: Check) -> None:
    answer = {"verdict": "valid", "receipt": a_jws(), "salt": SALT_TEXT}
    (folder / "answer.json").write_text(json.dumps(answer))
    (folder / "asked.json").write_text(json.dumps(asked()))
    done = check("answer.json", "--asked=asked.json")
    assert done.code == 0
    assert "✓ is what was said" in done.out


def test_of_many_answers_the_worst_is_the_exit_code(folder: Path, check: Check) -> None:
    items = [{"receipt": a_jws()}, {"problem": {}}, {"receipt": a_jws(key=OTHER)}]
    (folder / "answers.json").write_text(json.dumps({"items": items}))
    done = check("answers.json", "--json")
    assert done.code == 2
    told = [json.loads(line) for line in done.out.splitlines()]
    assert [(each["result"], each["code"]) for each in told] == [
        ("genuine", 0),
        ("unknown-key", 2),
    ]
    assert told[0]["receipt"] == RECEIPT.payload()


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "number": NUMBER,
        "holder_name": LI_NA.name,
        "identity_number": LI_NA.identity,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({}, 0, "✓ is what was said"),
        ({"number": f" {NUMBER.lower()} "}, 0, "✓ is what was said"),
        ({"holder_name": WANG_WEI.name}, 1, "✕ is not what was said"),
        ({"identity_number": WANG_WEI.identity}, 1, "✕ is not what was said"),
        ({"occupation": "6-31-01-03"}, 1, "✕ is not what was said"),
        ({"salt": base64.urlsafe_b64encode(bytes(16)).decode()[:-2]}, 1, "✕ is not"),
    ],
)
def test_what_was_asked_is_proven(
    folder: Path, check: Check, changes: dict[str, str], code: int, said: str
) -> None:
    (folder / "asked.json").write_text(json.dumps(asked(salt=SALT_TEXT) | changes))
    done = check("receipt.jws", "--asked=asked.json")
    assert done.code == code
    assert said in done.out
    assert LI_NA.identity not in done.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "what was asked is a JSON object"),
        (b"[]", "what was asked is a JSON object"),
        (b"{}", "what was asked is a JSON object"),
        (orjson.dumps(asked(number=7)), "what was asked is a JSON object"),
        (orjson.dumps(asked(issuer=7)), "what was asked is a JSON object"),
        (orjson.dumps(asked(identity_number="123")), "is not well formed"),
        (orjson.dumps(asked()), "the salt is needed"),
        (orjson.dumps(asked(salt="short")), "the salt is needed"),
    ],
)
def test_a_question_that_cannot_be_held_against_it(
    folder: Path, check: Check, content: bytes, said: str
) -> None:
    (folder / "asked.json").write_bytes(content)
    done = check("receipt.jws", "--asked=asked.json")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert LI_NA.identity not in done.err


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (a_list(1, 2), 0, "✓ not revoked (list of "),
        (a_list(77), 1, "✕ revoked (list of "),
        (a_list(77, hours=-1), 1, "✕ revoked (list of "),
        (a_list(1, hours=-1), 2, "the list is out of date, get a new one"),
    ],
)
def test_a_status_list_tells_what_came_after(
    folder: Path, check: Check, content: str, code: int, said: str
) -> None:
    (folder / "list.jwt").write_text(content)
    done = check("receipt.jws", "--status=list.jwt")
    assert done.code == code
    assert said in done.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (a_list(key=OTHER), "the status list cannot be relied on"),
        (a_jws(), "the status list cannot be relied on"),
        ("", "the status list cannot be relied on"),
        (a_list(url=URL + "1"), f"the receipt is not of this list; it names: {URL}"),
        (a_list(purpose=StatusPurpose.SUSPENSION), "the receipt is not of this list"),
    ],
)
def test_another_list_tells_nothing(folder: Path, check: Check, content: str, said: str) -> None:
    (folder / "list.jwt").write_text(content)
    done = check("receipt.jws", "--status=list.jwt")
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keys": []}'])
def test_keys_that_are_none(folder: Path, check: Check, content: bytes) -> None:
    (folder / "keys.json").write_bytes(content)
    done = check("receipt.jws")
    assert done.code == 2
    assert "keys.json is not usable" in done.err


def test_without_keys_it_says_how_to_give_them(folder: Path, check: Check) -> None:
    done = check("receipt.jws", keys=None)
    assert done.code == 2
    assert "--keys FILE" in done.err
    assert "--keys" in check("receipt.jws", keys=None, lang="zh").err


class Publishing:
    """A JWKS at a URL. asked: how often it was read."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked = 0
        self.status = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert Request(scope, receive).method == "GET"
        self.asked += 1
        headers = {"Location": "http://127.0.0.1:9/"}
        await Response(self.content, self.status, headers)(scope, receive, send)


async def process(*arguments: str, stdin: bytes = b"") -> Done:
    """The checker as a process, so that a server may answer it meanwhile."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.certificates.check", *arguments, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await started.communicate(stdin)
    assert started.returncode is not None
    return Done(started.returncode, out.decode(), err.decode())


async def test_keys_are_fetched_once_and_kept_for_offline(folder: Path) -> None:
    published = Publishing(a_jwks(KEY))
    cache, file = folder / "cache" / "keys.json", str(folder / "receipt.jws")
    async with served(published) as url:
        given = (f"--cache={cache}", f"--stack={url}/jwks.json", "--lang=en")
        assert (await process(file, *given)).code == 0
        assert (await process(file, *given)).code == 0
        assert published.asked == 1
        # A key that is not among those kept: they were turned since.
        published.content = a_jwks(KEY, OTHER)
        (folder / "later.jws").write_text(a_jws(key=OTHER))
        assert (await process(str(folder / "later.jws"), *given)).code == 0
        assert published.asked == 2
    assert (await process(str(folder / "later.jws"), *given)).code == 0
    stranger = SigningKey.of(b"\11" * 32)
    (folder / "stranger.jws").write_text(a_jws(key=stranger))
    done = await process(str(folder / "stranger.jws"), *given)
    assert done.code == 2
    assert stranger.kid in done.out


async def test_a_key_that_was_withdrawn_proves_nothing_once_the_stack_has_said_so(
    folder: Path,
) -> None:
    published = Publishing(a_jwks(KEY))
    cache, file = folder / "cache" / "keys.json", str(folder / "receipt.jws")
    async with served(published) as url:
        given = (f"--cache={cache}", f"--stack={url}/jwks.json", "--lang=en")
        assert (await process(file, *given)).code == 0
        published.content = a_jwks(OTHER)
        an_hour_ago = time.time() - 3600
        os.utime(cache, (an_hour_ago, an_hour_ago))
        published.status = 500
        assert (await process(file, *given)).code == 0
        published.status = 200
        assert (await process(file, *given)).code == 2
    assert (await process(file, *given)).code == 2


async def test_keys_from_a_url_that_fails(folder: Path) -> None:
    published = Publishing(a_jwks(KEY))
    file = str(folder / "receipt.jws")
    async with served(published) as url:
        given = (file, f"--keys={url}/jwks.json", "--lang=en")
        assert (await process(*given)).code == 0
        for status in (500, 302):
            published.status = status
            done = await process(*given)
            assert done.code == 2
            assert done.err.startswith(f"receipt: no keys from {url}/jwks.json")
            assert done.err.count("\n") == 1
        published.status, published.content = 200, b" " * 300_000
        assert (await process(*given)).code == 2
    assert "no keys from" in (await process(*given)).err


async def test_a_receipt_comes_by_standard_input(folder: Path) -> None:
    done = await process("-", f"--keys={folder / 'keys.json'}", stdin=a_jws().encode())
    assert done.code == 0
    assert "签名正确" in done.out


def test_the_command_hands_all_of_it_on(folder: Path) -> None:
    (folder / "asked.json").write_text(json.dumps(asked(salt=SALT_TEXT)))
    environment = {**os.environ, "RENGANG_CACHE": str(folder), "RENGANG_DATA": str(folder / "no")}
    command = [sys.executable, "-P", "-m", "dev", "receipt", "check"]

    def rengang(*arguments: str) -> Done:
        done = subprocess.run(
            [*command, *arguments], cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    done = rengang("receipt.jws", "--keys", "keys.json", "--asked", "asked.json", "--lang", "en")
    assert (done.code, done.err) == (0, "")
    assert "✓ is what was said" in done.out
    assert rengang("receipt.jws", "--lang", "en").code == 2
    assert rengang("receipt.jws", "--lang", "fr").code == 2
    both = rengang("receipt.jws", "--ask", "--asked", "asked.json")
    assert (both.code, both.err) == (2, "give --ask or --asked, not both\n")
