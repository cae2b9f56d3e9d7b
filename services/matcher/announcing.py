"""What is said of a pair: the events that lead from what was announced to what is.

Which pairs are live, and when this is written, does not live here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from contracts.matches import (
    MatchChanged,
    MatchFound,
    MatchGone,
    MatchState,
    MatchWithdrawn,
    Missing,
    PostingBrief,
    Reason,
)
from contracts.postings import Pay
from contracts.values import MatchId, PostingId, SeekerId, match_id_of
from services.matcher.domain.documents import Posting
from services.matcher.domain.engine import LiveChange, LiveMatch, Standing
from services.matcher.domain.explain import Explanation, Node
from services.matcher.store.matches import Announced

Announcement = MatchFound | MatchChanged | MatchWithdrawn


@dataclass(frozen=True, slots=True)
class News:
    """An event, and the row that remembers it."""

    row: Announced
    event: Announcement


def news_of(
    changes: Iterable[LiveChange],
    known: Mapping[MatchId, Announced],
    postings: Mapping[PostingId, Posting],
    model: str,
    now: datetime,
) -> list[News]:
    """What must be said so that the announced pairs are as told; nothing where nothing is new.

    changes: each pair once. known: what was announced of them. postings: those of the pairs, also
    closed ones. model: version of the one in force.
    """
    found: list[News] = []
    for change in changes:
        before = known.get(match_id_of(change.seeker_id, change.posting_id))
        news = _news(change, before, postings[change.posting_id], model, now)
        if news is not None:
            found.append(news)
    return found


def state_of(seeker_id: SeekerId, posting: Posting, match: LiveMatch, model: str) -> MatchState:
    """All that an event says of a live pair."""
    return MatchState(
        match_id=match_id_of(seeker_id, posting.posting_id),
        seeker_id=seeker_id,
        posting_id=posting.posting_id,
        score_ppm=match.score_ppm,
        for_seeker=match.for_seeker,
        for_posting=match.for_posting,
        posting=PostingBrief(
            employer_id=posting.employer_id,
            title=posting.title,
            county=posting.county,
            remote=posting.remote,
            pay=Pay(min=posting.pay.min, max=posting.pay.max, unit=posting.pay.unit),
            occupation=posting.occupation,
        ),
        reason=reason_of(match.explanation),
        missing=missing_of(match.explanation),
        model=model,
    )


def digest_of(state: MatchState) -> bytes:
    """SHA-256 of all that is said beside the model.

    A new model that leaves a pair's score and reasons as they were is no news to anybody.
    """
    return sha256(state.model_dump_json(exclude={"model"}).encode()).digest()


def reason_of(explanation: Explanation) -> Reason:
    """The tree of reasons as it is sent."""
    return _reason(explanation.reason)


def missing_of(explanation: Explanation) -> tuple[Missing, ...]:
    """What is missing, as it is sent."""
    return tuple(Missing(code=each.code, params=each.params) for each in explanation.missing)


def _reason(node: Node) -> Reason:
    return Reason(
        code=node.code,
        points_ppm=node.points_ppm,
        params=node.params or {},
        certificate_id=node.certificate_id,
        children=tuple(map(_reason, node.children)),
    )


def _news(
    change: LiveChange, before: Announced | None, posting: Posting, model: str, now: datetime
) -> News | None:
    was_live = before is not None and before.standing is not None
    version = before.version + 1 if before else 1
    if change.match is None:
        return _gone(change, posting, version, model, now) if was_live else None
    state = state_of(change.seeker_id, posting, change.match, model)
    row = Announced(
        MatchId(state.match_id),
        change.seeker_id,
        change.posting_id,
        version,
        model,
        Standing(state.score_ppm, state.for_seeker, state.for_posting),
        digest_of(state),
    )
    if before and (before.standing, before.digest) == (row.standing, row.digest):
        return None
    kind = MatchChanged if was_live else MatchFound
    return News(row, kind(subject=str(state.match_id), time=now, version=version, data=state))


def _gone(change: LiveChange, posting: Posting, version: int, model: str, now: datetime) -> News:
    match_id = match_id_of(change.seeker_id, change.posting_id)
    gone = MatchGone(
        match_id=match_id,
        seeker_id=change.seeker_id,
        posting_id=change.posting_id,
        employer_id=posting.employer_id,
    )
    return News(
        Announced(match_id, change.seeker_id, change.posting_id, version, model),
        MatchWithdrawn(subject=str(match_id), time=now, version=version, data=gone),
    )
