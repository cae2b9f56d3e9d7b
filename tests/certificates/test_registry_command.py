"""`./rengang registry`: a key, a signature, an import that is watched, and refusals in one line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.stack.folder import ROOT
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import ISSUER, a_line, a_number, a_statement
from tests.certificates.signing import an_issuer, ndjson
from tests.kit.door import served


@dataclass
class Terminal:
    """Runs the command in a folder, beside a running service."""

    folder: Path
    environment: Mapping[str, str]

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "dev",
            "registry",
            *words,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def terminal(door: CertificatesDoor, tmp_path: Path) -> AsyncIterator[Terminal]:
    async with served(door.app) as url:
        token = door.issuer.token(sub="op-1", role="operator")
        yield Terminal(
            tmp_path, {"RENGANG_CERTIFICATES_URL": url, "RENGANG_TOKEN": token, "NO_COLOR": "1"}
        )


async def test_from_a_new_key_to_a_verified_claim(
    terminal: Terminal, door: CertificatesDoor
) -> None:
    code, public, _ = await terminal("keygen", "issuer.pem")
    key = json.loads(public)
    assert (code, "d" in key) == (0, False)
    assert (terminal.folder / "issuer.pem").stat().st_mode & 0o077 == 0
    registered = await door.caller("op-1", "operator").put(
        f"/v1/issuers/{ISSUER}", json=an_issuer(keys=[key])
    )
    assert registered.status_code == 201
    # The command signs by the machine's clock.
    door.clock.pass_(days=3650)
    (terminal.folder / "june.ndjson").write_bytes(ndjson(a_line(), a_line(level=9)))
    signed = await terminal("sign", "june.ndjson", "--issuer", ISSUER, "--key", "issuer.pem")
    assert signed == (0, f"june.ndjson.jws: 2 row(s) of {ISSUER}\n", "")
    code, said, _ = await terminal("import", "june.ndjson")
    assert (code, "created 1  rejected 1" in said, "line 2: /level" in said) == (1, True, True)
    assert (await door.claim(a_statement()))["status"] == "verified"
    again, report, _ = await terminal("import", "june.ndjson", "--json")
    assert (again, json.loads(report)["created"]) == (1, 1)
    shown = await terminal("show", json.loads(report)["import_id"], "--json")
    assert shown == (1, report, "")


async def test_a_table_is_signed_and_imported(terminal: Terminal, door: CertificatesDoor) -> None:
    _, public, _ = await terminal("keygen", "issuer.pem")
    body = an_issuer(keys=[json.loads(public)])
    await door.caller("op-1", "operator").put(f"/v1/issuers/{ISSUER}", json=body)
    door.clock.pass_(days=3650)
    line = a_line(number=a_number(3))
    table = f"{','.join(line)}\n{','.join(map(str, line.values()))}\n"
    (terminal.folder / "june.csv").write_bytes(table.encode("gb18030"))
    await terminal("sign", "june.csv", "--issuer", ISSUER, "--key", "issuer.pem")
    code, said, _ = await terminal("import", "june.csv")
    assert (code, "created 1" in said) == (0, True)


async def test_refusals_take_one_line(terminal: Terminal) -> None:
    folder = terminal.folder
    await terminal("keygen", "issuer.pem")
    kept = (folder / "issuer.pem").read_bytes()
    (folder / "june.csv").write_bytes(b"number\n")
    (folder / "wrong.pem").write_bytes(b"-----BEGIN NOTHING-----\n")
    (folder / "odd.csv").write_bytes(b"")
    (folder / "odd.csv.jws").write_bytes(b"a.b.c")
    options = ("--issuer", ISSUER, "--key")
    refused = [
        await terminal("keygen", "issuer.pem"),
        await terminal("sign", "july.csv", *options, "issuer.pem"),
        await terminal("sign", "june.csv", *options, "wrong.pem"),
        await terminal("import", "june.csv"),
        await terminal("import", "odd.csv"),
    ]
    for (code, out, err), words in zip(
        refused,
        ("never written over", "july.csv", "wrong.pem", "sign the file first", "sign it again"),
        strict=True,
    ):
        assert (code, out, err.count("\n"), words in err) == (1, "", 1, True), err
    assert (folder / "issuer.pem").read_bytes() == kept
    await terminal("sign", "june.csv", *options, "issuer.pem")
    code, _, err = await terminal("import", "june.csv")
    assert (code, "422" in err) == (1, True)
