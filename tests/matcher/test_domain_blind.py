"""Promise 7: whoever tells which protected trait, rankings, scores and reasons stay the same.

At their door seekers' traits are masked (`tests/seekers/test_masking.py`). Here nothing is: every
trait stands in what is matched. The run through all doors is in `tests/flows/test_blind.py`.
"""

import random
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import product

import pytest

from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import Posting, Seeker, SkillWanted
from services.matcher.domain.explain import Explanation, explain
from services.matcher.domain.model import fit
from services.matcher.domain.oracle import live_set
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.scoring import score
from services.matcher.handlers import arrivals_of
from tests.matcher.market import sample_market
from tests.traits import OF_ONESELF, OF_WHOM_IS_WANTED, TRAITS, Told, dealt, dealt_anew

MODEL = base_model()
ARRIVED = arrivals_of(list(sample_market(25, 40, seed=7)))
POSTINGS, SEEKERS = ARRIVED.postings, ARRIVED.seekers
HELD = {folder.seeker_id: folder.held for folder in ARRIVED.folders}
SEEDS = pytest.mark.parametrize("seed", range(6))

Market = tuple[list[PreparedPosting], list[PreparedSeeker]]


def prepared(postings: Sequence[Posting], seekers: Sequence[Seeker]) -> Market:
    return (
        [prepare_posting(MODEL, doc) for doc in postings],
        [prepare_seeker(MODEL, doc, HELD.get(doc.seeker_id, ())) for doc in seekers],
    )


def reasons(market: Market) -> list[Explanation]:
    return [explain(job, person) for job, person in product(*market)]


def scores(market: Market) -> list[int]:
    return [score(job, person).score_ppm for job, person in product(*market)]


NOBODY_TELLS = prepared(POSTINGS, SEEKERS)


def in_texts(asked: Sequence[Told], told: Sequence[Told], draw: random.Random) -> Market:
    """The market with these traits in texts and among skills."""
    return prepared(
        [
            replace(
                doc,
                text=each.into(doc.text, draw),
                skills=tuple(each.among(doc.skills, SkillWanted, draw)),
            )
            for doc, each in zip(POSTINGS, asked, strict=True)
        ],
        [
            replace(
                doc,
                text=each.into(doc.text, draw),
                skills=tuple(each.among(doc.skills, str, draw)),
            )
            for doc, each in zip(SEEKERS, told, strict=True)
        ],
    )


@SEEDS
def test_whoever_tells_what_all_1000_pairs_are_explained_the_same(seed: int) -> None:
    draw = random.Random(seed)
    asked = dealt(OF_WHOM_IS_WANTED, len(POSTINGS), draw)
    told = dealt(OF_ONESELF, len(SEEKERS), draw)
    assert sum(len(each.words) for each in (*asked, *told)) > 200
    market = in_texts(asked, told, draw)
    assert reasons(market) == reasons(NOBODY_TELLS)
    assert live_set(MODEL.limits, *market) == live_set(MODEL.limits, *NOBODY_TELLS)


@SEEDS
def test_who_tells_what_another_told_is_ranked_the_same(seed: int) -> None:
    draw = random.Random(seed)
    asked = dealt(OF_WHOM_IS_WANTED, len(POSTINGS), draw)
    told = dealt(OF_ONESELF, len(SEEKERS), draw)
    asked_anew, told_anew = dealt_anew(asked, draw), dealt_anew(told, draw)
    assert told_anew != told
    before = in_texts(asked, told, random.Random(seed))
    after = in_texts(asked_anew, told_anew, random.Random(seed))
    assert reasons(after) == reasons(before)


@SEEDS
def test_a_trait_in_a_title_moves_no_score(seed: int) -> None:
    draw = random.Random(seed)
    asked = dealt(OF_WHOM_IS_WANTED, len(POSTINGS), draw)
    told = dealt(OF_ONESELF, len(SEEKERS), draw)
    market = prepared(
        [
            replace(doc, title=each.beside(doc.title, draw))
            for doc, each in zip(POSTINGS, asked, strict=True)
        ],
        [
            replace(doc, titles=tuple(each.beside(title, draw) for title in doc.titles))
            for doc, each in zip(SEEKERS, told, strict=True)
        ],
    )
    assert scores(market) == scores(NOBODY_TELLS)


@SEEDS
def test_a_trait_in_the_name_of_a_skill_moves_no_score(seed: int) -> None:
    draw = random.Random(seed)
    asked = dealt(OF_WHOM_IS_WANTED, len(POSTINGS), draw)
    told = dealt(OF_ONESELF, len(SEEKERS), draw)
    market = prepared(
        [
            replace(
                doc,
                skills=tuple(
                    replace(skill, name=each.beside(skill.name, draw)) for skill in doc.skills
                ),
            )
            for doc, each in zip(POSTINGS, asked, strict=True)
        ],
        [
            replace(doc, skills=tuple(each.beside(skill, draw) for skill in doc.skills))
            for doc, each in zip(SEEKERS, told, strict=True)
        ],
    )
    assert scores(market) == scores(NOBODY_TELLS)


def test_a_model_fitted_to_texts_that_tell_is_that_of_texts_that_do_not() -> None:
    draw = random.Random(1)
    told = dealt(OF_ONESELF, len(SEEKERS), draw)
    texts = [doc.text for doc in SEEKERS]
    telling = [each.into(text, draw) for each, text in zip(told, texts, strict=True)]
    assert telling != texts
    assert fit(telling).version == fit(texts).version


def test_no_document_has_a_field_for_a_trait() -> None:
    names = {field.name for doc in (Posting, Seeker) for field in fields(doc)}
    assert not names & {*TRAITS, "gender", "birth_date", "age", "name", "phone", "email"}
