"""Checks receipts offline, as a process: `python -m services.certificates.check FILE …`.

It is run by `./rengang receipt check`. Exit code 0: genuine; 1: not genuine, not about what was
asked, or lapsed since; 2: it could not be told. What is checked stands in domain.proving.
"""

import argparse
import getpass
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson

from services.certificates.api.receipt_lines import in_words
from services.certificates.domain.keys import KeyUnreadable, PublicKeys, read_jwks
from services.certificates.domain.proving import (
    NOT_TOLD,
    CannotTell,
    Found,
    Outcome,
    Said,
    judge,
    read_list,
    read_receipts,
    read_said,
    spelled,
)
from services.certificates.domain.receipts import (
    BadSignature,
    Malformed,
    Receipt,
    UnknownKey,
    check,
)
from services.kit.wordings import Language

_MOST_BYTES = 8 * 1024 * 1024
_MOST_JWKS_BYTES = 256 * 1024
_TIMEOUT_S = 5.0
_KEPT_S = 300.0
"""How long the stack's keys are used without asking again: as long as it lets others keep them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    chosen = _command().parse_args(arguments)
    language: Language = "en" if chosen.lang == "en" else "zh"
    now = datetime.now(UTC)
    try:
        found = read_receipts(_read(chosen.file))
        said = _said(chosen)
        keys = _keys_for(found, chosen)
        lists = read_list(_read(chosen.status), keys) if chosen.status else None
        outcomes = [judge(each, keys, said, lists, now) for each in found]
    except CannotTell as error:
        sys.stderr.write(f"receipt: {error.zh if language == 'zh' else error.en}\n")
        return NOT_TOLD
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("\n")
        return 130
    for outcome in outcomes:
        text = _as_json(outcome) if chosen.json else "\n".join(in_words(outcome, language))
        sys.stdout.write(f"{text}\n")
    return max(outcome.code for outcome in outcomes)


def _said(chosen: argparse.Namespace) -> Said | None:
    if chosen.asked is not None:
        return read_said(_read(chosen.asked))
    if not chosen.ask:
        return None
    # Prompted, never an argument: arguments are seen by everybody on the machine, and kept in
    # the shell's history.
    ask: Callable[[str], str] = getpass.getpass
    return spelled(
        _asked_for(ask, "证书编号 certificate number (not shown): "),
        _asked_for(ask, "姓名 holder's name (not shown): "),
        _asked_for(ask, "身份证号 identity number (not shown): "),
        _asked_for(input, "职业编码 occupation (Enter: none was given): ") or None,
        _asked_for(input, "发证机构 issuer (Enter: none was given): ") or None,
        _asked_for(input, "盐值 salt (Enter: as in the file): ") or None,
    )


def _asked_for(ask: Callable[[str], str], prompt: str) -> str:
    return ask(prompt).strip()


def _keys_for(found: Sequence[Found], chosen: argparse.Namespace) -> PublicKeys:
    """The keys to check with: those named, else the stack's, else those kept from it before.

    A key that is no longer published may have been withdrawn: what is kept gives way to what the
    stack says, where one answers.
    """
    if chosen.keys is not None:
        return _keys_of(_content_of_keys(chosen.keys), chosen.keys)
    kept, age_s = _kept(chosen.cache)
    unknown = any(isinstance(check(each.jws, kept), UnknownKey) for each in found)
    if kept and not unknown and 0 <= age_s < _KEPT_S:
        return kept
    if chosen.stack is None:
        if kept:
            return kept
        raise CannotTell(
            "没有公钥：请用 --keys 给出 JWKS 文件或网址。",
            "there are no keys to check with: give a JWKS with --keys FILE or --keys URL",
        )
    try:
        content = _fetched(chosen.stack)
    except CannotTell:
        if kept:
            return kept
        raise
    keys = _keys_of(content, chosen.stack)
    if chosen.cache is not None:
        _keep(chosen.cache, content)
    return keys


def _content_of_keys(where: str) -> bytes:
    return _fetched(where) if where.startswith(("http://", "https://")) else _read(where)


def _keys_of(content: bytes, where: str) -> PublicKeys:
    try:
        return read_jwks(content)
    except KeyUnreadable as error:
        raise CannotTell(
            f"{where} 不是含 Ed25519 公钥的 JWKS。", f"{where} is not usable: {error}"
        ) from None


def _fetched(url: str) -> bytes:
    try:
        with httpx.stream("GET", url, timeout=_TIMEOUT_S, trust_env=False) as answer:
            answer.raise_for_status()
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > _MOST_JWKS_BYTES:
                    break
            return content
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CannotTell(
            f"读不到公钥 {url}：请用 --keys 给出保存的 JWKS 文件。",
            f"no keys from {url} ({type(error).__name__}): give a saved JWKS with --keys FILE",
        ) from None


def _kept(path: Path | None) -> tuple[PublicKeys, float]:
    """The keys kept from before, and for how many seconds; none where there are none."""
    if path is not None:
        with suppress(KeyUnreadable, OSError):
            return read_jwks(path.read_bytes()), time.time() - path.stat().st_mtime
    return {}, 0.0


def _keep(path: Path, content: bytes) -> None:
    # Whole or not at all: another process may read it meanwhile. A cache that cannot be written
    # is no reason not to answer.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(_MOST_BYTES)
        with Path(name).open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise CannotTell(f"读不到 {name}：{reason}。", f"cannot read {name}: {reason}") from None


def _as_json(outcome: Outcome) -> str:
    checked = outcome.checked
    result = {
        Receipt: "genuine",
        BadSignature: "bad-signature",
        UnknownKey: "unknown-key",
        Malformed: "malformed",
    }[type(checked)]
    return orjson.dumps(
        {
            "result": result,
            "code": outcome.code,
            "receipt": checked.payload() if isinstance(checked, Receipt) else None,
            "asked": outcome.asked,
            "lapsed": outcome.lapsed,
            "list_stale": outcome.stale if outcome.looked_at is not None else None,
        }
    ).decode()


def _command() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(prog="python -m services.certificates.check")
    command.description = "Check receipts offline."
    command.add_argument("file", help="a JWS, or a saved JSON answer; - for standard input")
    command.add_argument("--keys", help="JWKS to check with: a file or a URL")
    command.add_argument("--cache", type=Path, help="where the stack's keys are kept")
    command.add_argument("--stack", help="URL of the running stack's JWKS")
    command.add_argument("--asked", help="JSON file of what was asked")
    command.add_argument("--ask", action="store_true", help="prompt for what was asked")
    command.add_argument("--status", help="a saved status list")
    command.add_argument("--lang", default="zh", choices=("zh", "en"))
    command.add_argument("--json", action="store_true", help="one JSON object a receipt")
    return command


if __name__ == "__main__":
    sys.exit(main())
