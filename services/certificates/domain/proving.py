"""Proving a receipt: reading it from a file, holding it against what was asked and a status list.

Files, keys from elsewhere and words for people do not live here.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.certificates.domain.digests import holder
from services.certificates.domain.identity import IdentityNumberInvalid, identity_number
from services.certificates.domain.keys import PublicKeys, from_base64url
from services.certificates.domain.numbers import NumberUnreadable, certificate_number
from services.certificates.domain.receipts import (
    SALT_BYTES,
    Asked,
    Faulty,
    Receipt,
    UnknownKey,
    check,
)
from services.certificates.domain.statuslist import StatusList, decode

GENUINE, NOT_GENUINE, NOT_TOLD = 0, 1, 2

_JWS_MEMBERS = ("receipt", "jws")
_DEEPEST = 6


class CannotTell(Exception):
    """What is needed is not there. zh, en: what, and what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Found:
    """A receipt in a file, with the salt that stood beside it."""

    jws: str
    salt: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one receipt. asked: whether it is about what was said; None: not looked at.

    lapsed: whether a bit is set that was looked at; None: not looked at. stale: the list is too
    old to tell of what came after.
    """

    checked: Receipt | Faulty
    asked: bool | None = None
    lapsed: str | None = None
    looked_at: StatusList | None = None
    stale: bool = False

    @property
    def code(self) -> int:
        """The exit code."""
        if not isinstance(self.checked, Receipt):
            return NOT_TOLD if isinstance(self.checked, UnknownKey) else NOT_GENUINE
        if self.asked is False or self.lapsed is not None:
            return NOT_GENUINE
        return NOT_TOLD if self.stale else GENUINE


def read_receipts(content: bytes) -> list[Found]:
    """The receipts in a file: a compact JWS, or a saved JSON answer of the API with one or many.

    Raises CannotTell.
    """
    text = content.decode("utf-8-sig", "replace").strip()
    found: list[Found] = []
    if text.startswith(("{", "[")):
        with suppress(orjson.JSONDecodeError):
            found = list(_within(orjson.loads(text), 0))
    elif text.count(".") == 2:
        found = [Found("".join(text.split()))]
    if not found:
        raise CannotTell(
            "文件中没有回执：应为签名全文（JWS），或接口答复的 JSON。",
            "the file holds no receipt: it is a JWS, or a saved JSON answer that has one",
        )
    return found


def _within(value: Any, depth: int) -> Iterator[Found]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for each in value:
            yield from _within(each, depth + 1)
    elif isinstance(value, dict):
        salt = value.get("salt")
        for name, each in value.items():
            if name in _JWS_MEMBERS and isinstance(each, str) and each.count(".") == 2:
                yield Found(each, salt if isinstance(salt, str) else None)
            else:
                yield from _within(each, depth + 1)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said to have been asked."""

    number: str
    holder: str
    identity: str
    occupation: str | None
    issuer: str | None
    salt: str | None

    def with_salt(self, beside: str | None) -> Asked:
        """Raises CannotTell where there is no salt."""
        given = self.salt or beside
        try:
            salt = from_base64url(given or "")
        except ValueError:
            salt = b""
        if len(salt) != SALT_BYTES:
            raise CannotTell(
                "要核对所问内容，还需要随答复得到的盐值（salt）。",
                "to check what was asked, the salt is needed that came with the answer",
            )
        return Asked(salt, self.number, self.holder, self.identity, self.occupation, self.issuer)


def read_said(content: bytes) -> Said:
    """What a JSON file says was asked, in the one spelling. Raises CannotTell."""
    try:
        said = orjson.loads(content)
        return spelled(*(said.get(name) for name in _SAID))
    except (orjson.JSONDecodeError, AttributeError):
        raise _unreadable_question() from None


_SAID = ("number", "holder_name", "identity_number", "occupation", "issuer", "salt")


def spelled(*said: object) -> Said:
    """What was asked, in the one spelling.

    said: number, holder's name, identity number, occupation, issuer, salt; the last three may be
    None. Raises CannotTell.
    """
    needed = [each for each in said[:3] if isinstance(each, str)]
    others = [each for each in said[3:] if each is None or isinstance(each, str)]
    if len(needed) != 3 or len(others) != 3:
        raise _unreadable_question()
    number, name, identity = needed
    try:
        return Said(
            certificate_number(number).text, holder(name), identity_number(identity), *others
        )
    except (NumberUnreadable, IdentityNumberInvalid):
        raise CannotTell(
            "所填证书编号或身份证号不合规则，请核对。",
            "certificate number or identity number is not well formed; check them",
        ) from None


def _unreadable_question() -> CannotTell:
    return CannotTell(
        "所问内容应为 JSON，含 number、holder_name、identity_number，"
        "另可有 occupation、issuer、salt。",
        "what was asked is a JSON object: number, holder_name, identity_number, and where they "
        "were given occupation, issuer, salt",
    )


def read_list(content: bytes, keys: PublicKeys) -> StatusList:
    """The status list in a file. Raises CannotTell."""
    read = decode(content.decode("ascii", "replace").strip(), keys)
    if isinstance(read, StatusList):
        return read
    raise CannotTell(
        "名单文件不可信：签名不符、密钥未知，或不是状态名单。",
        "the status list cannot be relied on: its signature does not fit, its key is not known, "
        "or it is none",
    )


def judge(
    found: Found, keys: PublicKeys, said: Said | None, lists: StatusList | None, now: datetime
) -> Outcome:
    """Check one receipt. Raises CannotTell."""
    checked = check(found.jws, keys)
    if not isinstance(checked, Receipt):
        return Outcome(checked)
    asked = None if said is None else checked.says_of(said.with_salt(found.salt))
    if lists is None:
        return Outcome(checked, asked)
    places = [
        entry.index
        for entry in checked.status
        if (entry.url, entry.purpose) == (lists.url, lists.purpose)
    ]
    if not places or max(places) >= len(lists.bits):
        raise CannotTell(
            f"回执不在这份名单中；回执所指的名单是：{_lists_of(checked)}。",
            f"the receipt is not of this list; it names: {_lists_of(checked)}",
        )
    lapsed = lists.purpose.value if any(lists.bits[place] for place in places) else None
    return Outcome(checked, asked, lapsed, lists, stale=not lists.is_fresh(now))


def _lists_of(receipt: Receipt) -> str:
    return ", ".join(entry.url for entry in receipt.status) or "-"
