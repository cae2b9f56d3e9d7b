"""Citizen identity numbers (GB 11643-1999): one spelling, and whether they can exist.

Whose number it is, and the number itself in any stored form, does not live here.
"""

import re
import unicodedata
from datetime import date
from enum import StrEnum
from operator import mul

_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]")
_FIRST_GENERATION = re.compile(r"[1-9][0-9]{14}")
_WITHIN = re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


class IdentityRule(StrEnum):
    """What an identity number can break."""

    SHAPE = "shape"
    BIRTH_DATE = "birth_date"
    CHECK_DIGIT = "check_digit"


class IdentityNumberInvalid(ValueError):
    """No such number can exist. rule: which rule it breaks. Never says the number itself."""

    def __init__(self, rule: IdentityRule) -> None:
        super().__init__(f"identity number breaks the rule of its {rule}")
        self.rule = rule


def identity_number(text: str) -> str:
    """The number in its one spelling: 18 characters, half-width, a capital X.

    A first-generation number (15 digits, births of 19xx) becomes the 18 characters that replaced
    it, so both prints of one person's number are equal. Prefixes 81 to 83 (residents from Hong
    Kong, Macao, Taiwan) follow the same rules. Raises IdentityNumberInvalid.
    Source: GB 11643-1999, ISO 7064 MOD 11-2.
    """
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if _FIRST_GENERATION.fullmatch(number):
        body = f"{number[:6]}19{number[6:]}"
        number = body + check_character(body)
    if not _SHAPE.fullmatch(number):
        raise IdentityNumberInvalid(IdentityRule.SHAPE)
    if not _is_birth_date(number[6:14]):
        raise IdentityNumberInvalid(IdentityRule.BIRTH_DATE)
    if check_character(number[:17]) != number[17]:
        raise IdentityNumberInvalid(IdentityRule.CHECK_DIGIT)
    return number


def stands_in(text: str) -> bool:
    """Whether an identity number of 18 characters stands in a text, by itself or among words.

    Those of 15 are left alone: of long numbers that mean something else one in thirty looks so.
    """
    return any(_can_be(found[0]) for found in _WITHIN.finditer(text))


def _can_be(text: str) -> bool:
    try:
        identity_number(text)
    except IdentityNumberInvalid:
        return False
    return True


def check_character(body: str) -> str:
    """The 18th character that belongs to 17 digits."""
    if len(body) != len(_WEIGHTS):
        raise ValueError("not 17 digits")
    return _CHECK[sum(map(mul, map(int, body), _WEIGHTS)) % 11]


def _is_birth_date(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return 1800 <= born.year < 2100
