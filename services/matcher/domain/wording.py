"""How a posting and a profile are worded, each as one vector: title, skills and text as fields.

Each field counts by its own weight, however long it is. Beside its words stands what its titles
and skills speak of: trades and fields of work. The words of what a seeker shows are kept apart, a
vector for each name. What the vectors are worth to a score does not live here.
"""

import math
from functools import lru_cache

from services.matcher.domain.documents import Posting, Seeker
from services.matcher.domain.language.glossary import is_unsaid
from services.matcher.domain.language.trades import Trades, trades_of, trades_of_occupation
from services.matcher.domain.model import Model
from services.matcher.domain.vector import (
    SCALE,
    TermVector,
    blended,
    rounded,
    stacked,
    strongest,
)

_THOUSAND = 1000

# How long, in thousandths of the whole, the parts are that say which occupations and which fields
# a document speaks of, where it surely does. Words make up the rest, so that the whole is as long.
_TRADES, _FIELDS = 548, 548

# What the fields count in the words of a posting, and of a profile.
_TITLE, _SKILLS, _TEXT = 6, 4, 5
# What a title and a skill count in what a document speaks of; a stated occupation as a title.
_TITLED, _SKILLED = 1000, 450

# So many words are kept of a posting that speaks of no trade; of others fewer, by the square of the
# share they have in its squared length: the surer a trade, the less do its last words decide. And
# so many occupations, and fields, of a posting and of a profile. Each term of a posting is a list
# to search.
_MOST_WORDS, _MOST_WANTED = 300, 4
_TRADES_DONE, _FIELDS_DONE = 3, 2

# What says less than this share of a document, in 1/UNIT, is left out of it. Most terms of a long
# text say so little, and they are those that most others have too.
_LEAST = 8

# A profile's skills lengthen it and never turn it, or one more skill could lower a score (promise
# 8): each adds a little to the terms it has. What it speaks of most is added up to a limit, and of
# so many skills; its words are added by whoever compares, since many name the same skill.
_CLAIMED_TRADES, _CLAIMED_FIELDS = 80, 200
_MOST_CLAIMED = 20
_MOST_OF_A_TRADE, _MOST_OF_A_FIELD = 200, 350
_CLAIMED = 250


def of_posting(model: Model, doc: Posting) -> TermVector:
    """The vector of a posting."""
    skills = [skill.name for skill in doc.skills if not is_unsaid(skill.name)]
    words = [
        (model.vector_of(doc.title), _TITLE),
        (model.vector_of("\n".join(skills)), _SKILLS),
        (model.vector_of(doc.text), _TEXT),
    ]
    spoken = [(trades_of(doc.title), _TITLED), *((trades_of(name), _SKILLED) for name in skills)]
    if doc.occupation:
        spoken.append((trades_of_occupation(doc.occupation), _TITLED))
    parts = _parts(words, spoken, _MOST_WORDS, _MOST_WANTED, _MOST_WANTED)
    return rounded(stacked(parts), _LEAST)


def of_seeker(model: Model, doc: Seeker) -> TermVector:
    """The vector of a profile, but for the words of what it shows (`shown`)."""
    words = [(model.vector_of("\n".join(doc.titles)), _TITLE), (model.vector_of(doc.text), _TEXT)]
    spoken = [(trades_of(title), _TITLED) for title in doc.titles]
    spoken += [(trades_of_occupation(code), _TITLED) for code in doc.occupations]
    claimed = [name for name in dict.fromkeys(doc.skills) if not is_unsaid(name)][:_MOST_CLAIMED]
    parts = _parts(words, spoken, None, _TRADES_DONE, _FIELDS_DONE)
    return rounded(stacked([*parts, *_claims(claimed)]), _LEAST)


# The same skills are named by many.
@lru_cache(maxsize=1 << 16)
def shown(model: Model, plain: str) -> TermVector:
    """The words that a skill adds to the vector of who shows it. plain: its normalised name."""
    words = blended([(model.vector_of_skill(plain), 1)], _thousandths(_CLAIMED))
    return rounded(words, 1)


def text_of_posting(doc: Posting) -> str:
    """All that a posting says, a line each: no phrase runs from one into the next."""
    return "\n".join((doc.title, doc.text, *(skill.name for skill in doc.skills)))


def text_of_seeker(doc: Seeker) -> str:
    """All that a profile says, a line each."""
    return "\n".join((*doc.titles, doc.text, *doc.skills))


def _parts(
    words: list[tuple[TermVector, int]],
    spoken: list[tuple[Trades, int]],
    most_words: int | None,
    most_trades: int,
    most_fields: int,
) -> list[TermVector]:
    """Words, occupations and fields, at most so many; together SCALE long where there are words.

    most_words: where nothing is spoken of; None: all. What is left out shortens the whole.
    """
    sure = [(each, each.likeness * weight // SCALE) for each, weight in spoken]
    surest = max((each.likeness * weight // _THOUSAND for each, weight in spoken), default=0)
    trades, fields = surest * _TRADES // _THOUSAND, surest * _FIELDS // _THOUSAND
    whole, square = SCALE * SCALE, SCALE * SCALE - trades * trades - fields * fields
    said = blended(words, math.isqrt(square))
    if most_words is not None:
        said = strongest(said, most_words * square // whole * square // whole)
    return [
        said,
        strongest(blended([(each.occupations, how) for each, how in sure], trades), most_trades),
        strongest(blended([(each.fields, how) for each, how in sure], fields), most_fields),
    ]


def _claims(names: list[str]) -> list[TermVector]:
    """What skills speak of: trades and fields, each the sum up to a limit."""
    claims = [_claim(name) for name in names]
    return [
        stacked((trades for trades, _ in claims), _thousandths(_MOST_OF_A_TRADE)),
        stacked((fields for _, fields in claims), _thousandths(_MOST_OF_A_FIELD)),
    ]


@lru_cache(maxsize=1 << 15)
def _claim(name: str) -> tuple[TermVector, TermVector]:
    """The occupation and the field that a skill speaks of most."""
    spoken = trades_of(name)
    trade, field = strongest(spoken.occupations, 1), strongest(spoken.fields, 1)
    return (
        blended([(trade, 1)], spoken.likeness * _CLAIMED_TRADES // _THOUSAND),
        blended([(field, 1)], spoken.likeness * _CLAIMED_FIELDS // _THOUSAND),
    )


def _thousandths(of_scale: int) -> int:
    return SCALE * of_scale // _THOUSAND
