"""The live set by brute force: what every engine must equal, short enough to be seen to be right.

Nothing here is fast, and nothing fast lives here.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product

from contracts.values import PostingId, SeekerId
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.engine import LiveMatch, Pair, Standing
from services.matcher.domain.explain import explain
from services.matcher.domain.model import Limits
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.domain.scoring import score


def live_set(
    limits: Limits, postings: Iterable[PreparedPosting], seekers: Iterable[PreparedSeeker]
) -> dict[Pair, LiveMatch]:
    """Every live pair of these documents, with its score, its sides and its reasons.

    postings, seekers: the latest of each id, each id once, all prepared by the same model.
    """
    document = {
        (seeker.doc.seeker_id, posting.doc.posting_id): (posting, seeker)
        for posting, seeker in product(postings, seekers)
    }
    scored = {
        pair: score(posting, seeker).score_ppm
        for pair, (posting, seeker) in document.items()
        if not broken_rules(posting, seeker)
    }
    return {
        pair: LiveMatch(at.score_ppm, at.for_seeker, at.for_posting, explain(*document[pair]))
        for pair, at in standings(limits, scored).items()
    }


def standings(limits: Limits, scored: Mapping[Pair, int]) -> dict[Pair, Standing]:
    """Every live pair and how it is live. scored: in millionths, of all pairs that are eligible."""
    listed = {pair: points for pair, points in scored.items() if points >= limits.tau_ppm}
    of_seekers = _best(listed, limits.k_s, owner=lambda pair: pair[0], other=lambda pair: pair[1])
    of_postings = _best(listed, limits.k_p, owner=lambda pair: pair[1], other=lambda pair: pair[0])
    return {
        pair: Standing(listed[pair], pair in of_seekers, pair in of_postings)
        for pair in of_seekers | of_postings
    }


def _best(
    listed: dict[Pair, int],
    k: int,
    owner: Callable[[Pair], SeekerId | PostingId],
    other: Callable[[Pair], SeekerId | PostingId],
) -> set[Pair]:
    """The pairs among the k best of their owner: by score downwards, then by the other's id."""
    ranked = sorted(listed, key=lambda pair: (-listed[pair], other(pair)))
    taken: dict[SeekerId | PostingId, int] = {}
    best = set()
    for pair in ranked:
        taken[owner(pair)] = taken.get(owner(pair), 0) + 1
        if taken[owner(pair)] <= k:
            best.add(pair)
    return best
