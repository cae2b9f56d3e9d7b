"""The plain definition of an explanation: what `explain` must give, node by node and word by word.

How it is worked out cheaply does not live here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.eligibility import level_held
from services.matcher.domain.explain import Explanation, Missing, Node, Params
from services.matcher.domain.language.glossary import known, shown, symbols
from services.matcher.domain.language.text import bucket_of, pieces, plain
from services.matcher.domain.language.trades import FIELD, TRADE, labels
from services.matcher.domain.prepare import (
    REQUIRED_WEIGHS,
    AskedSkill,
    PreparedPosting,
    PreparedSeeker,
)
from services.matcher.domain.scoring import Leaves, score
from services.matcher.domain.vector import ONE, TermVector

_PHRASES = 5
_ALIKE = 3
_TERMS_READ = 24
TELLS_NOTHING = frozenset("的了和与及或等并且在对为以之其者所于至可能会有不各该将由从把被")


def plain_explain(posting: PreparedPosting, seeker: PreparedSeeker) -> Explanation:
    """Score the pair and say why."""
    found = score(posting, seeker)
    tree = (
        _text(posting, seeker, found.text_ppm),
        _inner("skills", tuple(_skills(found))),
        _inner("fit", tuple(_fit(posting, seeker, found))),
    )
    return Explanation(_inner("match", tree), tuple(_missing(posting, seeker, found)))


def shared_terms(
    left: TermVector, right: TermVector
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The buckets that both hold, ascending, and the product of the two impacts in each."""
    if len(left.buckets) > len(right.buckets):
        left, right = right, left
    if not len(left.buckets):
        return left.buckets, np.zeros(0, np.int64)
    at = np.minimum(np.searchsorted(right.buckets, left.buckets), len(right.buckets) - 1)
    both = right.buckets[at] == left.buckets
    products = left.impacts[both].astype(np.int64) * right.impacts[at[both]]
    return left.buckets[both], products


def _inner(code: str, children: tuple[Node, ...]) -> Node:
    return Node(code, sum(child.points_ppm for child in children), children)


def _text(posting: PreparedPosting, seeker: PreparedSeeker, points_ppm: int) -> Node:
    """What adds most, and the rest as one leaf."""
    here = "\n".join(
        (posting.doc.title, posting.doc.text, *(skill.name for skill in posting.doc.skills))
    )
    # The seeker's words, since that text is the shorter: what is shared stands in both.
    there = "\n".join((*seeker.doc.titles, seeker.doc.text, *seeker.doc.skills))
    buckets, products = shared_terms(posting.terms, seeker.said)
    # Of equal products the lower bucket comes first, whatever the machine's sort does.
    order = np.lexsort((buckets, -products))
    shared = list(zip(buckets[order].tolist(), products[order].tolist(), strict=True))
    whole = max(ONE, sum(product for _, product in shared))
    weight = posting.weights.text

    def leaf(code: str, product: int, **params: str | int) -> Node:
        return Node(code, weight * product // whole, params=params)

    spoken = labels()
    meant_here, meant_there = _meant(here), _meant(there)
    meant = {
        bucket: (meant_here[bucket], meant_there[bucket])
        for bucket, _ in shared
        if bucket in meant_here and bucket in meant_there
    }
    words = dict(_words(there))
    words |= {bucket: a for bucket, (a, b) in meant.items() if symbols(a) == symbols(b)}
    different = {bucket: pair for bucket, pair in meant.items() if bucket not in words
                 or symbols(pair[0]) != symbols(pair[1])}  # fmt: skip
    read = [_Phrase(words[bucket], product, 1) for bucket, product in shared
            if bucket in words and bucket not in spoken and bucket not in different]  # fmt: skip
    phrases: list[_Phrase] = []
    for phrase in read[:_TERMS_READ]:
        _take(phrases, phrase, plain(here))
    told = sorted(phrases, key=lambda phrase: (-phrase.product, phrase.words))[:_PHRASES]
    children = [leaf("text.term", phrase.product, term=phrase.words) for phrase in told]
    n_told = sum(phrase.terms for phrase in told)
    alike: dict[tuple[str, str], list[int]] = {}
    for bucket, product in shared:
        if bucket in different and bucket not in spoken:
            alike.setdefault(different[bucket], []).append(product)
    for (a, b), its in sorted(alike.items(), key=lambda item: (-sum(item[1]), item[0]))[:_ALIKE]:
        children.append(leaf("text.alike", sum(its), term=a, other=b))
        n_told += len(its)
    trades = [
        leaf(code, product, **{param: spoken[bucket].removeprefix(beginning)})
        for code, param, beginning, most in (
            ("text.trade", "occupation", TRADE, 1),
            ("text.field", "field", FIELD, 2),
        )
        for bucket, product in sorted(
            (each for each in shared if spoken.get(each[0], "").startswith(beginning)),
            key=lambda each: (-each[1], spoken[each[0]]),
        )[:most]
    ]
    if trades:
        children.append(_inner("text.trades", tuple(trades)))
    others = len(shared) - n_told - len(trades)
    # Each phrase is rounded down, so a millionth or two may be left where no term is.
    rest = points_ppm - sum(child.points_ppm for child in children)
    if rest or others:
        children.append(Node("text.rest", rest, params={"terms": others}))
    return _inner("text", tuple(children))


@lru_cache(maxsize=256)
def _meant(text: str) -> dict[int, str]:
    """The words of the text behind each term that a known phrase adds; of two the first."""
    by_bucket: dict[int, str] = {}
    read = plain(text)
    for phrase in known(read):
        for term in phrase.entry.adds:
            by_bucket.setdefault(bucket_of(term), read[phrase.begin : phrase.end])
    return by_bucket


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: str
    product: int
    terms: int


def _take(phrases: list[_Phrase], phrase: _Phrase, text: str) -> None:
    """Let shared terms grow together as they stand in the posting.

    Pairs of characters are no words: 数据, 据分 and 分析 become 数据分析 where the text has it so.
    """
    for at, other in enumerate(phrases):
        if (words := _joined(other.words, phrase.words, text)) is not None:
            del phrases[at]
            product, n_terms = other.product + phrase.product, other.terms + phrase.terms
            _take(phrases, _Phrase(words, product, n_terms), text)
            return
    phrases.append(phrase)


def _joined(left: str, right: str, text: str) -> str | None:
    if right in left:
        return left
    if left in right:
        return right
    return _overlapped(left, right, text) or _overlapped(right, left, text)


def _overlapped(first: str, second: str, text: str) -> str | None:
    if second[0] not in first:
        return None
    for shared in range(min(len(first), len(second)) - 1, 0, -1):
        if first.endswith(second[:shared]):
            whole = first + second[shared:]
            return whole if whole in text else None
    return None


@lru_cache(maxsize=256)
def _words(text: str) -> dict[int, str]:
    """The word of each bucket of the text that has one worth telling; of two the first."""
    by_bucket: dict[int, str] = {}
    left, _ = shown(plain(text))
    for piece in pieces(left):
        word = piece.strip()
        if len(word) > 1 and TELLS_NOTHING.isdisjoint(word):
            by_bucket.setdefault(bucket_of(piece), word)
    return by_bucket


def _skills(found: Leaves) -> Iterator[Node]:
    for leaf in found.skills:
        if (evidence := leaf.evidence) is not None:
            yield Node(
                "skills.skill",
                leaf.points_ppm,
                params={
                    **_named(leaf.asked),
                    "evidence": evidence.name,
                    "similarity_ppm": leaf.similarity_ppm,
                },
                certificate_id=evidence.certificate_id,
            )


def _named(asked: AskedSkill) -> Params:
    return {"skill": asked.name, "required": int(asked.weighs == REQUIRED_WEIGHS)}


def _fit(posting: PreparedPosting, seeker: PreparedSeeker, found: Leaves) -> Iterator[Node]:
    yield Node(
        "fit.pay",
        found.pay_ppm,
        params={
            "pay_low": posting.pay_low,
            "pay_high": posting.pay_high,
            "meets": _meets(posting, seeker),
        },
    )
    yield Node(
        "fit.place",
        found.place_ppm,
        params={"county": posting.doc.county, "near": found.near.value},
    )
    yield Node(
        "fit.experience",
        found.experience_ppm,
        params={"asked_years": posting.experience_years, "years": seeker.experience_years},
    )
    if posting.occupation:
        yield Node(
            "fit.occupation",
            found.occupation_ppm,
            params={"occupation": posting.occupation, "levels_shared": found.levels_shared},
        )
    if (held := found.certificate) is not None:
        yield Node(
            "fit.certificate",
            found.certificate_ppm,
            params={
                "occupation": held.occupation or "",
                "level": held.level or 0,
                "name": held.name or "",
            },
            certificate_id=held.certificate_id,
        )


def _meets(posting: PreparedPosting, seeker: PreparedSeeker) -> str:
    if not seeker.pay_floor:
        return "any"
    if seeker.pay_floor <= posting.pay_low:
        return "all"
    return "partly" if seeker.pay_floor <= posting.pay_high else "below"


def _missing(posting: PreparedPosting, seeker: PreparedSeeker, found: Leaves) -> Iterator[Missing]:
    for leaf in found.skills:
        if leaf.evidence is None:
            yield Missing("missing.skill", _named(leaf.asked))
    for wanted in posting.doc.certificates:
        if level_held(seeker, wanted.occupation) < wanted.level:
            yield Missing(
                "missing.certificate",
                {
                    "occupation": wanted.occupation,
                    "level": wanted.level,
                    "required": int(wanted.required),
                },
            )
    short = posting.experience_years - seeker.experience_years
    if short > 0:
        yield Missing(
            "missing.experience",
            {"asked_years": posting.experience_years, "short_years": short},
        )
