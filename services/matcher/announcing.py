"""What is said of a pair: the events that lead from what was announced to what is.

Which pairs are live, and when this is written, does not live here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from pydantic import AwareDatetime, TypeAdapter

from contracts.envelope import new_event_id
from contracts.matches import (
    MatchFound,
    MatchState,
    Missing,
    PostingBrief,
    Reason,
)
from contracts.postings import Pay
from contracts.topics import MATCHES
from contracts.values import CertificateId, MatchId, SeekerId, match_id_of
from services.kit.outbox import Outgoing
from services.matcher.domain.documents import Posting
from services.matcher.domain.engine import LiveMatch, Standing
from services.matcher.domain.explain import Explanation, Node, Params, tell
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.store.matches import Announced

_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class PairNow:
    """A pair as it is now. standing: None where it is live no more; else the seeker is there too.

    match_id: of the two, worked out once by whoever asks what was announced.
    """

    match_id: MatchId
    posting: PreparedPosting
    seeker: PreparedSeeker | None
    seeker_id: SeekerId
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class News:
    """An event ready to be sent, its type, and the row that remembers it."""

    row: Announced
    type: str
    outgoing: Outgoing


def say(
    pairs: Sequence[PairNow],
    known: Mapping[MatchId, Announced],
    model: str,
    now: datetime,
    traceparent: str | None = None,
) -> list[News]:
    """What must be said so that the announced pairs are as told; nothing where nothing is new.

    pairs: each once; told fastest where those of one posting stand together. known: what was
    announced of them. model: version of the one in force. traceparent: of the events.

    CPU work for any thread. The bytes are those that the models of `contracts.matches` encode to,
    without the models, which would cost more than working out what they say.
    """
    common = _Common(
        model=model,
        said_of_model=b',"model":' + orjson.dumps(model) + b"}",
        time=_TIME.dump_python(now, mode="json"),
        traceparent=traceparent,
    )
    said = (_said(pair, known.get(pair.match_id), common) for pair in pairs)
    return [news for news in said if news is not None]


@dataclass(frozen=True, slots=True)
class _Common:
    """What all events of a call share. said_of_model: the end of the data, as bytes."""

    model: str
    said_of_model: bytes
    time: str
    traceparent: str | None


def _said(pair: PairNow, before: Announced | None, common: _Common) -> News | None:
    was_live = before is not None and before.standing is not None
    standing = pair.standing
    if standing is None:
        if not was_live:
            return None
        kind, digest = "MatchWithdrawn", None
        data = orjson.dumps(
            {
                "match_id": pair.match_id,
                "seeker_id": pair.seeker_id,
                "posting_id": pair.posting.doc.posting_id,
                "employer_id": pair.posting.doc.employer_id,
            },
            default=_uuid_text,
        )
    else:
        kind = "MatchChanged" if was_live else "MatchFound"
        said = _said_of(pair, standing)
        digest = sha256(said).digest()
        if before and (before.standing, before.digest) == (standing, digest):
            return None
        data = said[:-1] + common.said_of_model
    row = Announced(
        pair.match_id,
        pair.seeker_id,
        pair.posting.doc.posting_id,
        before.version + 1 if before else 1,
        common.model,
        standing,
        digest,
    )
    value = _enveloped(kind, row, common, data)
    return News(row, kind, Outgoing(MATCHES.name, str(pair.seeker_id), value))


def _said_of(pair: PairNow, standing: Standing) -> bytes:
    """A live pair's data without the model: what `digest_of` hashes."""
    if pair.seeker is None:
        raise ValueError(f"the pair {pair.match_id} is live without a seeker")
    reason, missing = tell(pair.posting, pair.seeker, _plain_reason, _plain_missing)
    return orjson.dumps(
        {
            "match_id": pair.match_id,
            "seeker_id": pair.seeker_id,
            "posting_id": pair.posting.doc.posting_id,
            "score_ppm": standing.score_ppm,
            "for_seeker": standing.for_seeker,
            "for_posting": standing.for_posting,
            "posting": _plain_brief(pair.posting),
            "reason": reason,
            "missing": missing,
        },
        default=_uuid_text,
    )


def _plain_reason(
    code: str,
    points_ppm: int,
    children: tuple[dict[str, Any], ...],
    params: Params,
    certificate_id: CertificateId | None,
) -> dict[str, Any]:
    if certificate_id is None:
        return {"code": code, "points_ppm": points_ppm, "params": params, "children": children}
    return {
        "code": code,
        "points_ppm": points_ppm,
        "params": params,
        "certificate_id": certificate_id,
        "children": children,
    }


def _plain_missing(code: str, params: Params) -> dict[str, Any]:
    return {"code": code, "params": params}


@lru_cache(maxsize=64)
def _plain_brief(posting: PreparedPosting) -> orjson.Fragment:
    return orjson.Fragment(brief_of(posting.doc).model_dump_json(exclude_none=True))


def _enveloped(kind: str, row: Announced, common: _Common, data: bytes) -> bytes:
    envelope = {
        "specversion": "1.0",
        "id": new_event_id(),
        "source": MatchFound.source_of,
        "type": kind,
        "subject": row.match_id,
        "time": common.time,
        "datacontenttype": "application/json",
        "version": row.version,
    }
    if common.traceparent is not None:
        envelope["traceparent"] = common.traceparent
    envelope["data"] = orjson.Fragment(data)
    return orjson.dumps(envelope, default=_uuid_text)


def _uuid_text(value: object) -> str:
    """An id as the database's driver gives it, which is a UUID of its own kind."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is said by no event of matches")


def state_of(seeker_id: SeekerId, posting: Posting, match: LiveMatch, model: str) -> MatchState:
    """All that an event says of a live pair."""
    return MatchState(
        match_id=match_id_of(seeker_id, posting.posting_id),
        seeker_id=seeker_id,
        posting_id=posting.posting_id,
        score_ppm=match.score_ppm,
        for_seeker=match.for_seeker,
        for_posting=match.for_posting,
        posting=brief_of(posting),
        reason=reason_of(match.explanation),
        missing=missing_of(match.explanation),
        model=model,
    )


def brief_of(posting: Posting) -> PostingBrief:
    """What a seeker is shown of the posting."""
    return PostingBrief(
        employer_id=posting.employer_id,
        title=posting.title,
        county=posting.county,
        remote=posting.remote,
        pay=Pay(min=posting.pay.min, max=posting.pay.max, unit=posting.pay.unit),
        occupation=posting.occupation,
    )


def digest_of(state: MatchState) -> bytes:
    """SHA-256 of all that is said beside the model, in the bytes that are sent.

    A new model that leaves a pair's score and reasons as they were is no news to anybody.
    """
    said = state.model_dump_json(exclude={"model"}, exclude_none=True)
    return sha256(said.encode()).digest()


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
