"""Why somebody looks a certificate up: one of a few words, never free text.

Who may look for which purpose does not live here.
"""

from enum import StrEnum


class Purpose(StrEnum):
    """What may be stated (个人信息保护法 art. 6 wants a purpose)."""

    EMPLOYMENT = "employment"
    SUBSIDY = "subsidy"
    RESIDENCE = "residence"
    EVALUATION = "evaluation"
    INSPECTION = "inspection"


class Recorded(StrEnum):
    """What stands as a purpose in the audit log: what was stated, and what follows from the door.

    CLAIM: a seeker's own claim is judged. EXCHANGE: a partner city asks and does not say for what;
    its own audit log does.
    """

    EMPLOYMENT = Purpose.EMPLOYMENT
    SUBSIDY = Purpose.SUBSIDY
    RESIDENCE = Purpose.RESIDENCE
    EVALUATION = Purpose.EVALUATION
    INSPECTION = Purpose.INSPECTION
    CLAIM = "claim"
    EXCHANGE = "exchange"


def told_purpose(said: object) -> Recorded:
    """What is recorded of the purpose that a partner city tells; EXCHANGE where it is no such.

    Not its own words: they might name a person.
    """
    return next((known for known in Recorded if known == said), Recorded.EXCHANGE)
