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
from services.matcher.store.matches import Announced, Version

Announcement = MatchFound | MatchChanged | MatchWithdrawn


@dataclass(frozen=True, slots=True)
class News:
    """An event, and the row that remembers it."""

    row: Announced
    event: Announcement


def news_of(
    changes: Iterable[LiveChange],
    known: Mapping[MatchId, Version],
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
        before = known.get(match_id_of(change.seeker_id, change.posting_id), Version(0, None))
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
    change: LiveChange, before: Version, posting: Posting, model: str, now: datetime
) -> News | None:
    version = before.version + 1
    if change.match is not None:
        state = state_of(change.seeker_id, posting, change.match, model)
        digest = digest_of(state)
        return None if digest == before.digest else _live(state, digest, version, before, now)
    return None if before.digest is None else _gone(change, version, posting, model, now)


def _live(state: MatchState, digest: bytes, version: int, before: Version, now: datetime) -> News:
    row = Announced(
        MatchId(state.match_id),
        SeekerId(state.seeker_id),
        PostingId(state.posting_id),
        version,
        state.model,
        Standing(state.score_ppm, state.for_seeker, state.for_posting),
        digest,
    )
    kind = MatchFound if before.digest is None else MatchChanged
    return News(row, kind(subject=str(state.match_id), time=now, version=version, data=state))


def _gone(change: LiveChange, version: int, posting: Posting, model: str, now: datetime) -> News:
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
