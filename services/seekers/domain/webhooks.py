"""Rules of webhooks: which addresses are acceptable, how a message is signed, when to try again.

Source of the signature: Standard Webhooks 1.0.0 (symmetric, `v1`). Nothing is sent from here.
"""

import base64
import hashlib
import hmac
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit
from uuid import UUID, uuid5

from contracts.values import SeekerId
from contracts.vocabulary.addresses import is_public

SECRET_BYTES = 32
MAX_URL = 2_000


class UrlRefused(ValueError):
    """The URL cannot be a webhook. zh, en: why, for people."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def target_of(url: str, *, allow_private: bool) -> str:
    """What limits of concurrency count by: scheme, host and port of the URL, in one form.

    allow_private: also http:// and addresses within a network (development). Raises UrlRefused.
    A name is checked when it is connected to, by what it then resolves to.
    """
    parts = _split(url)
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise UrlRefused(
            f"网址应以 {'、'.join(f'{s}://' for s in schemes)} 开头，并写明主机。",
            f"The URL must begin with {' or '.join(f'{s}://' for s in schemes)} and name a host.",
        )
    if "@" in parts.netloc or parts.fragment:
        raise UrlRefused(
            "网址中不能有用户名、密码或 # 部分。",
            "The URL must hold no user name, password or fragment.",
        )
    if not allow_private and not _may_be_public(parts.hostname):
        raise UrlRefused("网址指向内部网络，不能使用。", "The URL points into a private network.")
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _split(url: str) -> SplitResult:
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not plain or len(url) > MAX_URL:
        raise UrlRefused(
            f"网址只能有不含空格的 ASCII 字符，最多 {MAX_URL} 个；中文域名请写成 xn-- 形式。",
            f"The URL must be at most {MAX_URL} ASCII characters without spaces; write names in "
            "other scripts in their xn-- form.",
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UrlRefused("不是有效的网址。", "Not a valid URL.") from None
    return parts


def _may_be_public(host: str) -> bool:
    host = host.rstrip(".")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".home.arpa")):
        return False
    try:
        address = IPv6Address(host) if ":" in host else IPv4Address(host)
    except ValueError:
        # 127.1, 0x7f.1 and 2130706433 are addresses to getaddrinfo; a name's last label is not
        # a number (RFC 3696 §2).
        return "." in host and not host.rpartition(".")[2][:1].isdigit()
    return is_public(address)


def shown_secret(secret: bytes) -> str:
    """The secret as its owner is shown it, once: `whsec_` and base64."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def message_id(seeker_id: SeekerId, seq: int) -> UUID:
    """The id of a feed entry towards a webhook: the same however often it is sent."""
    return uuid5(seeker_id, str(seq))


def signature(secret: bytes, message: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature. timestamp: seconds since 1970."""
    signed = f"{message}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


def pause_s(tries: int, base_s: float, chance: float) -> float:
    """How long to wait after that many failed tries (≥ 1): ×4 each, at most six hours.

    chance: 0 … 1, spreads the tries of many over half to one and a half times the pause, so that
    a receiver that comes back is not run over.
    """
    # 4 ** 12 is beyond the cap already.
    return min(base_s * 4.0 ** min(tries - 1, 12), 6 * 3600.0) * (0.5 + chance)
