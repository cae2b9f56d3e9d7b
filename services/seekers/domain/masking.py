"""The masked copy of a profile: what the bus may carry of it.

Which words lead to a person or state a protected trait is said in `identifiers` and `traits`.
"""

from dataclasses import replace
from itertools import count

from services.seekers.domain.identifiers import (
    ADDRESSES,
    HOMES,
    NAMES,
    NUMBERS,
    rules_of,
    spans_of_phone,
)
from services.seekers.domain.marks import MARK, folded, marked, spans_of, visible, with_digits
from services.seekers.domain.person import Person
from services.seekers.domain.traits import TRAITS
from services.seekers.domain.work import Work, distinct

_ROUNDS = 8
_EDGES = MARK + " \t\n,，、;；:：。.-—|/"


def masked(text: str, person: Person) -> str:
    """The text without what leads to the person or states a protected trait.

    Taken out: phone, citizen, account and card numbers, mail, WeChat, QQ, web and home addresses,
    the person's own name, phone, mail and birth date; sex, age, ethnicity, religion, marital
    status, health and household registration where the text states them of the person. What a job
    is about stays: 女装设计, 养老护理, 白族扎染, 户籍管理. Never longer than the text; masking
    twice changes nothing.
    """
    text = visible(text)
    for rounds in count(1):
        plain = folded(text)
        spans = spans_of((*rules_of(person), *ADDRESSES, *HOMES, *NAMES, *TRAITS), plain)
        with_numbers = with_digits(plain)
        spans += spans_of((*rules_of(person), *NUMBERS), with_numbers)
        spans += spans_of_phone(person.phone, with_numbers)
        if not spans:
            return text
        if rounds > _ROUNDS:
            # Written to keep us busy: what follows goes whole.
            spans = [(min(spans)[0], len(text))]
        # Once more: a mark may open what stood behind it (`女，＊，已婚`).
        text = marked(text, spans)
    raise AssertionError("each round takes something out, so there is a last one")


def blinded(work: Work, person: Person) -> Work:
    """The work part with every text in it masked; titles and skills of which nothing is left go."""
    titles = (_trimmed(masked(title, person)) for title in work.titles)
    skills = (_trimmed(masked(skill, person)) for skill in work.skills)
    return replace(
        work,
        titles=tuple(title for title in titles if title),
        text=masked(work.text, person),
        skills=distinct(skill for skill in skills if skill),
    )


def _trimmed(text: str) -> str:
    """The text without marks and separators at its ends; as it was where nothing was taken out."""
    return text.strip(_EDGES) if MARK in text else text
