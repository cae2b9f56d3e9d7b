"""What people of each trade expect of the matcher: every case of `cases/*.toml` holds.

How a case is written says `cases/README.md`; how it is read does not live here.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain, pairwise
from operator import eq, ge, gt

import pytest

from contracts import matches as contracts
from contracts.reasons import render, render_missing
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import Posting
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.explain import Explanation, Missing, Node, explain
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.scoring import score
from tests.matcher.casebook import Case, Profile, Told, read_cases

ORDERS = {">": gt, ">=": ge, "=": eq}

Pair = tuple[PreparedPosting, PreparedSeeker]


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    pairs = [prepared(posting, profile) for posting, profile in case.pairs]
    told = explain(*pairs[0])
    wrong = [
        *wrong_rules(case, pairs),
        *wrong_order(case, pairs),
        *wrong_reasons(case, told),
        *wrong_missing(case, told),
        *wrong_words(case, told),
    ]
    assert not wrong, "\n".join((f"{case.name}. {case.why}", *wrong))


def prepared(posting: Posting, profile: Profile) -> Pair:
    return (
        prepare_posting(base_model(), posting),
        prepare_seeker(base_model(), profile.seeker, profile.held),
    )


def wrong_rules(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for pair in pairs:
        broken = broken_rules(*pair)
        if case.broken is not None and broken != case.broken:
            yield f"{named(pair)} breaks {list(broken)}, not {list(case.broken)}"
    if case.live and points(pairs[0]) < base_model().limits.tau_ppm:
        yield f"{named(pairs[0])} is too little to be live"


def wrong_order(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for pair, after in pairwise(pairs):
        if not ORDERS[case.order](points(pair), points(after)):
            yield f"{named(pair)} is not {case.order} {named(after)}"


def wrong_reasons(case: Case, told: Explanation) -> Iterator[str]:
    for expected in case.reasons:
        if not any(fits(expected, reason) for reason in nodes(told.reason)):
            yield f"{expected} does not stand in {told.reason}"


def wrong_missing(case: Case, told: Explanation) -> Iterator[str]:
    if case.missing is None:
        return
    if len(case.missing) != len(told.missing) or not all(map(fits, case.missing, told.missing)):
        yield f"missing are {told.missing}, not {case.missing}"


def wrong_words(case: Case, told: Explanation) -> Iterator[str]:
    everything: list[Node | Missing] = [*nodes(told.reason), *told.missing]
    for words in chain.from_iterable(map(words_of, everything)):
        yield from (f"“{unsaid}” is said: {words}" for unsaid in case.unsaid if unsaid in words)


def fits(expected: Told, told: Node | Missing) -> bool:
    zh, en = words_of(told)
    return (
        told.code == expected.code
        and expected.params.items() <= told.params.items()
        and expected.zh in zh
        and expected.en in en
        and (not expected.proven or is_proven(told))
    )


def is_proven(told: Node | Missing) -> bool:
    return isinstance(told, Node) and told.certificate_id is not None


def words_of(told: Node | Missing) -> tuple[str, str]:
    """What a reader is shown, in Chinese and in English."""
    if isinstance(told, Missing):
        lack = contracts.Missing(code=told.code, params=told.params)
        return render_missing(lack, "zh"), render_missing(lack, "en")
    reason = contracts.Reason(**{**asdict(told), "children": ()})
    return render(reason, "zh"), render(reason, "en")


def nodes(reason: Node) -> Iterator[Node]:
    yield reason
    for child in reason.children:
        yield from nodes(child)


def points(pair: Pair) -> int:
    return score(*pair).score_ppm


def named(pair: Pair) -> str:
    """The pair as a complaint names it: who, for which posting, and the score."""
    posting, seeker = pair[0].doc, pair[1].doc
    who = " ".join((*seeker.titles, *seeker.skills, *seeker.counties))
    return f"[{who}] for [{posting.title} {posting.county}] {points(pair)}"
