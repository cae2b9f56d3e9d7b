"""What is said of a pair: the bytes the contracts encode to, and nothing twice."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from asyncpg.pgproto import pgproto
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import parse
from contracts.matches import MatchChanged, MatchFound, MatchGone, MatchWithdrawn
from contracts.values import CertificateId, MatchId, PostingId, SeekerId, match_id_of
from services.matcher.announcing import News, PairNow, digest_of, say, state_of
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import HeldCertificate, Pay, Posting, Seeker
from services.matcher.domain.engine import LiveMatch, Standing
from services.matcher.domain.explain import explain
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.store.matches import Announced
from tests.matcher.documents import (
    a_certificate,
    a_posting,
    a_seeker,
    certificates_held,
    postings,
    seekers,
)
from tests.support import NOW

MODEL = base_model()
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

# Whatever JSON must escape, in every place where a document's text is said.
_AWKWARD = st.text(
    st.sampled_from("a焊\"\\/\b\f\n\r\t\x01\x1f\x7f\u2028\ufeff😀</>&'"), max_size=12
)
_SIDES = st.sampled_from(((True, False), (False, True), (True, True)))


def pair_now(
    job: PreparedPosting, person: PreparedSeeker, *, sides: tuple[bool, bool] = (True, True)
) -> PairNow:
    return PairNow(
        match_id_of(person.doc.seeker_id, job.doc.posting_id),
        job,
        person,
        person.doc.seeker_id,
        Standing(explain(job, person).score_ppm, *sides),
    )


def gone(pair: PairNow) -> PairNow:
    return replace(pair, seeker=None, standing=None)


def ready(
    posting: Posting, seeker: Seeker, *held: HeldCertificate
) -> tuple[PreparedPosting, PreparedSeeker]:
    return prepare_posting(MODEL, posting), prepare_seeker(MODEL, seeker, held)


def said(pair: PairNow, before: Announced | None = None, model: str = MODEL.version) -> News | None:
    known = {before.match_id: before} if before else {}
    told = say([pair], known, model, NOW)
    return told[0] if told else None


def assert_as_the_models_encode(news: News, pair: PairNow, now: datetime = NOW) -> None:
    """The same event, made of the contracts' models, has the same bytes."""
    assert pair.seeker is not None
    assert pair.standing is not None
    standing = pair.standing
    match = LiveMatch(
        standing.score_ppm,
        standing.for_seeker,
        standing.for_posting,
        explain(pair.posting, pair.seeker),
    )
    state = state_of(pair.seeker_id, pair.posting.doc, match, MODEL.version)
    event = parse(news.outgoing.value)
    assert isinstance(event, MatchFound | MatchChanged)
    assert event.data == state
    as_model = type(event)(
        id=event.id, subject=str(pair.match_id), time=now, version=news.row.version, data=state
    )
    assert news.outgoing.value == as_model.encoded(event.traceparent)
    assert (news.outgoing.topic, news.outgoing.key) == (as_model.topic.name, as_model.key)
    assert news.type == event.type
    assert news.row.digest == digest_of(state)


@given(postings(1), seekers(1), certificates_held, _SIDES)
def test_any_live_pair_is_said_as_the_models_encode_it(
    posting: Posting,
    seeker: Seeker,
    held: tuple[HeldCertificate, ...],
    sides: tuple[bool, bool],
) -> None:
    pair = pair_now(*ready(posting, seeker, *held), sides=sides)
    news = said(pair)
    assert news is not None
    assert_as_the_models_encode(news, pair)


@given(_AWKWARD, _AWKWARD, _AWKWARD)
def test_awkward_texts_are_escaped_as_the_models_do(title: str, name: str, paper: str) -> None:
    posting = a_posting(title=title + "焊工", employer_id=name, county=paper)
    held = a_certificate(name=paper)
    pair = pair_now(*ready(posting, a_seeker(titles=(title,), skills=(name,)), held))
    news = said(pair)
    assert news is not None
    assert_as_the_models_encode(news, pair)


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        NOW + timedelta(microseconds=7),
        NOW.astimezone(timezone(timedelta(hours=8))),
        NOW.astimezone(timezone(-timedelta(hours=9, minutes=30))),
    ],
)
def test_the_time_is_written_as_the_models_write_it(now: datetime) -> None:
    pair = pair_now(*ready(a_posting(), a_seeker()))
    [news] = say([pair], {}, MODEL.version, now)
    assert_as_the_models_encode(news, pair, now)


def test_a_sum_beyond_64_bits_is_said_too() -> None:
    huge = Pay(0, 10**30, a_posting().pay.unit)
    pair = pair_now(*ready(a_posting(pay=huge), a_seeker()))
    news = said(pair)
    assert news is not None
    assert_as_the_models_encode(news, pair)


def test_ids_as_the_database_gives_them_are_said_alike() -> None:
    def stored(known: UUID) -> UUID:
        given: UUID = pgproto.UUID(known.bytes)
        assert type(given) is not UUID
        return given

    held = a_certificate()
    posting = replace(a_posting(), posting_id=PostingId(stored(a_posting().posting_id)))
    seeker = replace(a_seeker(), seeker_id=SeekerId(stored(a_seeker().seeker_id)))
    own = replace(held, certificate_id=CertificateId(stored(held.certificate_id)))
    pair = pair_now(*ready(posting, seeker, own))
    pair = replace(pair, match_id=MatchId(stored(pair.match_id)))
    news = said(pair)
    assert news is not None
    assert news.row == getattr(said(pair_now(*ready(a_posting(), a_seeker(), held))), "row", None)
    assert_as_the_models_encode(news, pair)
    away = said(gone(pair), news.row)
    assert away is not None
    assert parse(away.outgoing.value).subject == str(pair.match_id)


def test_the_trace_stands_in_every_event_of_the_call() -> None:
    pair = pair_now(*ready(a_posting(), a_seeker(), a_certificate()))
    [news] = say([pair], {}, MODEL.version, NOW, TRACE)
    assert parse(news.outgoing.value).traceparent == TRACE
    assert_as_the_models_encode(news, pair)


def test_a_new_pair_is_found_and_said_once() -> None:
    pair = pair_now(*ready(a_posting(), a_seeker()))
    first = said(pair)
    assert first is not None
    assert (first.type, first.row.version) == ("MatchFound", 1)
    assert said(pair, first.row) is None


def test_a_new_model_alone_is_no_news() -> None:
    pair = pair_now(*ready(a_posting(), a_seeker()))
    first = said(pair)
    assert first is not None
    assert said(pair, first.row, model="0" * 16) is None


def test_another_side_or_another_title_is_a_change() -> None:
    job, person = ready(a_posting(), a_seeker())
    first = said(pair_now(job, person))
    assert first is not None
    for pair in (
        pair_now(job, person, sides=(True, False)),
        pair_now(*ready(a_posting(employer_id="another"), a_seeker())),
    ):
        then = said(pair, first.row)
        assert then is not None
        assert (then.type, then.row.version) == ("MatchChanged", 2)
        assert_as_the_models_encode(then, pair)


def test_a_pair_that_goes_is_withdrawn_once_and_found_again_later() -> None:
    pair = pair_now(*ready(a_posting(), a_seeker()))
    first = said(pair)
    assert first is not None
    away = said(gone(pair), first.row)
    assert away is not None
    event = parse(away.outgoing.value)
    as_model = MatchWithdrawn(
        id=event.id,
        subject=str(pair.match_id),
        time=NOW,
        version=2,
        data=MatchGone(
            match_id=pair.match_id,
            seeker_id=pair.seeker_id,
            posting_id=pair.posting.doc.posting_id,
            employer_id=pair.posting.doc.employer_id,
        ),
    )
    assert away.outgoing.value == as_model.encoded()
    assert (away.row.standing, away.row.digest, away.type) == (None, None, "MatchWithdrawn")
    assert said(gone(pair), away.row) is None
    again = said(pair, away.row)
    assert again is not None
    assert (again.type, again.row.version) == ("MatchFound", 3)


def test_a_pair_that_was_never_live_is_not_withdrawn() -> None:
    assert said(gone(pair_now(*ready(a_posting(), a_seeker())))) is None


def test_a_live_pair_without_a_seeker_is_refused() -> None:
    pair = replace(pair_now(*ready(a_posting(), a_seeker())), seeker=None)
    with pytest.raises(ValueError, match="without a seeker"):
        said(pair)


def test_events_have_ids_of_their_own_in_order() -> None:
    people = [prepare_seeker(MODEL, a_seeker(number)) for number in range(20)]
    job = prepare_posting(MODEL, a_posting())
    told = say([pair_now(job, person) for person in people], {}, MODEL.version, NOW)
    ids = [parse(news.outgoing.value).id for news in told]
    assert ids == sorted(set(ids))
    assert {UUID(parse(news.outgoing.value).subject) for news in told} == {
        news.row.match_id for news in told
    }
