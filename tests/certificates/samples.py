"""People and certificates for the tests. Every number is synthetic."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from contracts.values import seeker_id_of
from services.certificates.domain.digests import Pepper
from services.certificates.domain.registry import Entry, RegistryStatus

PEPPER_TEXT = "a pepper for tests, 32 characters or more"
PEPPER = Pepper(PEPPER_TEXT)

ELECTRICIAN = "6-31-01-03"
WELDER = "6-18-02-04"
NUMBER = "S000053000123233000456"
ISSUER = "S000053000123"


@dataclass(frozen=True)
class Person:
    """A seeker with a name, an identity number and an account."""

    name: str
    identity: str
    subject: str

    @property
    def seeker_id(self) -> UUID:
        return seeker_id_of(self.subject)

    @property
    def operation_number(self) -> str:
        """The number that all special-operation cards of the person bear."""
        return f"T{self.identity}"


LI_NA = Person("李娜样例", "530102199003070016", "seeker-li-na")
WANG_WEI = Person("王伟样例", "530302198511210026", "seeker-wang-wei")
AYGUL = Person("阿依古丽·样例", "530402200002290131", "seeker-aygul")
EVERYBODY = (LI_NA, WANG_WEI, AYGUL)


def a_line(person: Person = LI_NA, **changes: Any) -> dict[str, Any]:
    """A line of an import; a change to None leaves the field out."""
    line = {
        "number": NUMBER,
        "holder_name": person.name,
        "identity_number": person.identity,
        "occupation": ELECTRICIAN,
        "level": "三级",
        "name": "电工",
        "issuer": ISSUER,
        "issued_on": "2023-06-30",
        "status": "in_force",
        **changes,
    }
    return {key: value for key, value in line.items() if value is not None}


def a_statement(person: Person = LI_NA, **changes: Any) -> dict[str, Any]:
    """The body of a claim."""
    return {
        "number": NUMBER,
        "holder_name": person.name,
        "identity_number": person.identity,
        **changes,
    }


def an_entry(n: int = 1, **changes: Any) -> Entry:
    """An entry of the registry, good for ever."""
    said: dict[str, Any] = {
        "entry_id": UUID(int=n),
        "issuer": ISSUER,
        "occupation": ELECTRICIAN,
        "level": 4,
        "level_label": "三级",
        "name": "电工",
        "issued_on": date(2023, 6, 30),
        "valid_until": None,
        "status": RegistryStatus.IN_FORCE,
        **changes,
    }
    return Entry(**said)


def a_number(n: int) -> str:
    """A certificate number of the 22-character format, issued 2023, 高级工."""
    return f"S000053000123233{n:06d}"
