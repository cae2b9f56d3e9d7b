"""Keyed digests: how numbers and names are kept, so that they are compared but never read.

Where the key comes from is a setting; what is compared with what is the registry's matter.
"""

import hmac
import unicodedata
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.certificates.domain.identity import identity_number
from services.certificates.domain.numbers import CertificateNumber

_MIDDLE_DOTS = dict.fromkeys("•‧∙⋅・.●", "·")
_SPELLING = str.maketrans(_MIDDLE_DOTS)


@dataclass(frozen=True, slots=True)
class Statement:
    """Who holds which certificate, as 32-byte digests; two statements are compared whole."""

    number: bytes
    holder: bytes
    identity: bytes


class Pepper:
    """The secret that keys the digests (HMAC-SHA256, RFC 2104).

    An identity number has too few possibilities for a plain hash: whoever has a dump could try
    them all. The secret stays outside of the database, so a dump alone tells nothing.
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()
        self._keyed: dict[str, hmac.HMAC] = {}

    def __repr__(self) -> str:
        return "Pepper(…)"

    def statement(
        self, number: CertificateNumber, holder_name: str, identity_text: str
    ) -> Statement:
        """Raises IdentityNumberInvalid."""
        return self.statement_of(number, holder(holder_name), identity_number(identity_text))

    def statement_of(self, number: CertificateNumber, spelled: str, identity: str) -> Statement:
        """spelled: the name as holder() makes it. identity: in its one spelling."""
        return Statement(
            number=self._digest("number", number.text),
            holder=self._digest("holder", spelled),
            identity=self._digest("identity", identity),
        )

    def seal(self) -> bytes:
        """What tells this secret from another without telling it."""
        return self._digest("seal", "")

    def key_for(self, use: str) -> bytes:
        """A key of 32 bytes for one use: neither the secret nor another key follows from it.

        Source: RFC 5869 (HKDF-SHA256).
        """
        return HKDF(SHA256(), length=32, salt=None, info=f"rengang\0{use}".encode()).derive(
            self._key
        )

    def digest(self, kind: str, text: str) -> bytes:
        """The keyed digest of a text, 32 bytes; equal texts of two kinds have different ones."""
        return self._digest(kind, text)

    def _digest(self, kind: str, text: str) -> bytes:
        # The kind keeps equal texts apart: else T and an identity number could be put together
        # from two columns.
        begun = self._keyed.get(kind)
        if begun is None:
            begun = self._keyed[kind] = hmac.new(self._key, f"{kind}\0".encode(), "sha256")
        mac = begun.copy()
        mac.update(text.encode())
        return mac.digest()


def holder(name: str) -> str:
    """A holder's name in its one spelling: width, case, spaces and kinds of middle dot aside."""
    if name.isascii():
        return "".join(name.split()).translate(_SPELLING).lower()
    return "".join(unicodedata.normalize("NFKC", name).split()).translate(_SPELLING).casefold()
