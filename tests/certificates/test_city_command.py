"""`./rengang city` as a person uses it, against a door that is open."""

import asyncio
import json
import os
import sys
from pathlib import Path

from tests.certificates.conftest import CertificatesDoor
from tests.certificates.plain_city import MAPPING, a_plain_city
from tests.kit.door import served


async def run(door: CertificatesDoor, url: str, *words: str) -> tuple[int, str]:
    """Exit code, and what was said on both outputs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dev",
        "city",
        *words,
        env={
            **os.environ,
            "COLUMNS": "160",
            "RENGANG_CERTIFICATES_URL": url,
            "RENGANG_TOKEN": door.issuer.token(sub="op-1", role="operator"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_city_is_added_tried_listed_and_removed(
    door: CertificatesDoor, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(MAPPING))
    async with a_plain_city() as yuxi, served(door.app) as url:
        assert await run(door, url, "list") == (0, "no partner city is registered\n")
        options = ["--division", "530400", "--mapping", str(mapping)]
        code, said = await run(door, url, "add", "yuxi", yuxi.url, *options)
        assert (code, said.count("\n")) == (1, 1)
        assert said.startswith("/trusted_unsigned: Nobody signs its answers")
        added = await run(door, url, "add", "yuxi", yuxi.url, *options, "--trusted-unsigned")
        assert added[0] == 0, added
        code, said = await run(door, url, "list")
        assert code == 0
        assert "yuxi" in said
        assert "530400" in said
        assert "asked" in said
        code, said = await run(door, url, "test", "yuxi")
        assert (code, said.startswith("yuxi answers and is believed")) == (0, True)
        refused = "no answer of yuxi that can be believed: "
        yuxi.status = 500
        assert await run(door, url, "test", "yuxi") == (1, f"{refused}status_500\n")
        yuxi.status = 401
        code, said = await run(door, url, "test", "yuxi")
        assert (code, said.startswith(f"{refused}status_401 (it does not let us in")) == (1, True)
        assert said.count("\n") == 1
        assert await run(door, url, "remove", "yuxi") == (0, "yuxi is removed\n")
        assert (await run(door, url, "remove", "yuxi"))[0] == 1


async def test_what_cannot_be_done_is_said_in_one_line(
    door: CertificatesDoor, tmp_path: Path
) -> None:
    bad = tmp_path / "keys.json"
    bad.write_text("{")
    async with served(door.app) as url:
        for words, said in (
            (["add", "qj", "http://x"], "name a division: --division 530300\n"),
            (
                ["add", "qj", "http://x", "--division", "530300", "--keys", str(bad)],
                f"{bad} is not JSON\n",
            ),
            (["test", "nobody"], "Not found: there is nothing here, or it is not yours.\n"),
        ):
            assert await run(door, url, *words) == (1, said)
