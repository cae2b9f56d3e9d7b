"""The skills of the made-up market: how they are spelled, and misspelled, in each occupation.

Who has which of them does not live here.
"""

import random
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from contracts.vocabulary.occupations import occupations
from services.matcher.domain.language.synonyms import canonical_skill

OWN = 13
"""Skills that belong to an occupation; with 1,639 occupations, 21,307 in all."""

POOL = 24
"""Skills that people of an occupation name: its own, and some of its neighbours in the tree."""

TYPOS = 157_000
COMMON = 1_000
"""So many skills are named in every occupation too, as 普通话 and office are."""

_LATIN_SHARE = 0.25
_CONSONANTS, _VOWELS = "bcdfghklmnprstvwz", "aeiou"
_LETTERS = _CONSONANTS + _VOWELS
_CHARACTERS = 1_800


@dataclass(frozen=True, slots=True, eq=False)
class Skills:
    """All spellings by number: skills as they should be, then typos, then names of occupations.

    spellings: canonical, distinct. typo_starts, typos: the typos of skill i are
    typos[typo_starts[i]:typo_starts[i + 1]]. pools: int32 (n_occupations, POOL), skills in order
    of how often they are named. names: int32 (n_occupations,), the spelling of each one's name.
    """

    spellings: tuple[str, ...]
    n_skills: int
    typo_starts: NDArray[np.int64]
    typos: NDArray[np.int32]
    pools: NDArray[np.int32]
    names: NDArray[np.int32]

    def misspelled(
        self, rng: np.random.Generator, skills: NDArray[np.int32], share: float
    ) -> NDArray[np.int32]:
        """The same skills, this share of them under one of their typos. Returns int32 (n,)."""
        count = self.typo_starts[skills + 1] - self.typo_starts[skills]
        chosen = (rng.random(len(skills)) < share) & (count > 0)
        at = self.typo_starts[skills] + (rng.random(len(skills)) * count).astype(np.int64)
        return np.where(chosen, self.typos[np.where(chosen, at, 0)], skills).astype(np.int32)


def make_skills(seed: int, weights: NDArray[np.float64], n_typos: int = TYPOS) -> Skills:
    """Skills for the occupations. weights: (n_occupations,), how many people each one has."""
    rng = random.Random(seed)
    codes = [code for code, _ in occupations()]
    spellings = _spelled(rng, len(codes) * OWN)
    n_skills = len(spellings)
    known = dict.fromkeys(spellings)
    # The more often a skill is written, the more ways there are in which it was written wrongly.
    often = np.repeat(weights / OWN, OWN)
    counts = np.random.default_rng(seed).multinomial(n_typos, often / often.sum())
    for skill, count in enumerate(counts.tolist()):
        before = len(known)
        for _ in range(20 * count):
            if len(known) == before + count:
                break
            known.setdefault(typo(rng, spellings[skill]))
        counts[skill] = len(known) - before
    starts = np.concatenate(([0], np.cumsum(counts)))
    typos = np.arange(n_skills, len(known), dtype=np.int32)
    spelled = {spelling: number for number, spelling in enumerate(known)}
    names = [spelled.setdefault(canonical_skill(name), len(spelled)) for _, name in occupations()]
    return Skills(
        spellings=tuple(spelled),
        n_skills=n_skills,
        typo_starts=starts.astype(np.int64),
        typos=typos,
        pools=_pools(rng, codes),
        names=np.array(names, np.int32),
    )


def typo(rng: random.Random, word: str) -> str:
    """The word with one character left out, doubled, replaced, or in its neighbour's place."""
    at = _below(rng, len(word))
    match _below(rng, 4):
        case 0 if len(word) > 2:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[: at + 1] + word[at:]
        case 2 if at + 1 < len(word) and word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case _:
            return word[:at] + _character(rng, latin=word.isascii()) + word[at + 1 :]


def _spelled(rng: random.Random, count: int) -> list[str]:
    """Distinct spellings; those of one group of OWN share pieces, so some are near each other."""
    pieces = [_character(rng, latin=False) + _character(rng, latin=False) for _ in range(900)]
    found: dict[str, None] = {}
    while len(found) < count:
        theirs = rng.sample(pieces, 9)
        before = len(found)
        while len(found) < min(before + OWN, count):
            if rng.random() < _LATIN_SHARE:
                found.setdefault(_latin(rng))
            else:
                found.setdefault("".join(rng.sample(theirs, rng.choice((1, 2, 2, 2, 3)))))
    return list(found)


def _latin(rng: random.Random) -> str:
    pairs = (rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 5)))
    return "".join(pairs) + rng.choice(_CONSONANTS)


def _character(rng: random.Random, *, latin: bool) -> str:
    among = _LETTERS if latin else _characters()
    return among[_below(rng, len(among))]


def _below(rng: random.Random, n: int) -> int:
    """As `randrange(n)`, evenly enough for a few thousand and in a fifth of the time."""
    return int(rng.random() * n)


@cache
def _characters() -> str:
    """Such as are written in one way only: others would be another spelling when compared."""
    spread = (chr(0x4E00 + 11 * nth) for nth in range(_CHARACTERS))
    return "".join(each for each in spread if canonical_skill(each) == each)


def _pools(rng: random.Random, codes: list[str]) -> NDArray[np.int32]:
    group: dict[str, list[int]] = {}
    for at, code in enumerate(codes):
        group.setdefault(code[:4], []).append(at)
    pools = np.zeros((len(codes), POOL), np.int32)
    for at, code in enumerate(codes):
        own = [at * OWN + nth for nth in range(OWN)]
        near = [skill for other in group[code[:4]] for skill in range(other * OWN, other * OWN + 4)]
        others = [skill for skill in near if skill not in own]
        others += rng.sample(range(len(codes) * OWN), POOL)
        mixed = own + list(dict.fromkeys(others))[: POOL - OWN]
        pools[at] = rng.sample(mixed, POOL)
    return pools
