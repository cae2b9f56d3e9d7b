"""Receipt numbers: unguessable, and easy to read aloud and to type.

What a receipt says stands in receipts.
"""

from typing import NewType

ReceiptNo = NewType("ReceiptNo", str)

RANDOM_BYTES = 16
LENGTH = 26

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_MISREAD = str.maketrans("ILO", "110")
# 26 characters hold 130 bits, a number has 128: the first character says three of them.
_FIRST = frozenset("01234567")


class ReceiptNumberUnreadable(ValueError):
    """No receipt number, whatever the spelling."""


def receipt_number(random: bytes) -> ReceiptNo:
    """The number of a receipt, 26 characters. random: 16 bytes that nobody can guess.

    Source: Douglas Crockford's Base32, the most significant character first.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes make a receipt number")
    value = int.from_bytes(random, "big")
    return ReceiptNo("".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)]))


def read_receipt_number(text: str) -> ReceiptNo:
    """The number in its one spelling: case, hyphens and spaces make no difference; I and L are 1,
    O is 0.

    Raises ReceiptNumberUnreadable.
    """
    # Bounded before anything else: it comes from an address that anybody may ask for.
    if len(text) > 4 * LENGTH or not text.isascii():
        raise ReceiptNumberUnreadable
    number = text.upper().translate(_MISREAD).replace("-", "").replace(" ", "")
    if len(number) != LENGTH or number[0] not in _FIRST or not set(number) <= set(_ALPHABET):
        raise ReceiptNumberUnreadable
    return ReceiptNo(number)


def in_groups(number: ReceiptNo) -> str:
    """The number as it is printed: in groups that the eye can keep."""
    return "-".join((number[:5], number[5:10], number[10:15], number[15:20], number[20:]))
