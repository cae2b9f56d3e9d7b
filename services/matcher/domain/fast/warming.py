"""Having an engine's kernels compiled, or read from where they are kept, before anybody waits.

What kernels compute does not live here.
"""

from uuid import UUID

from contracts.values import CertificateId, EmployerId, PayUnit, PostingId, SeekerId
from services.matcher.domain.documents import (
    CertificateWanted,
    HeldCertificate,
    Pay,
    Posting,
    Seeker,
    SkillWanted,
)
from services.matcher.domain.engine import DropPosting, DropSeeker, PutPosting, PutSeeker
from services.matcher.domain.explain import explain
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.side import Sizes
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)

_DOCUMENTS = 10
_TRADE = "6-18-02-04"


def warm_up(model: Model) -> None:
    """Go through the life of a small market; a minute where all must be compiled."""
    engine = FastEngine(model.limited(tau_ppm=0, k_s=2, k_p=2), sizes=Sizes(1, 4), slack=1)
    postings, people = small_market(engine.model)
    seekers = {seeker.doc.seeker_id: seeker for seeker in people}
    for seeker in people:
        engine.apply([PutSeeker(seeker)])
    for posting in postings:
        engine.apply([PutPosting(posting)])
    engine.settle()
    explain(postings[0], people[0])
    for number in range(_DOCUMENTS // 2):
        engine.apply(
            [DropPosting(PostingId(UUID(int=number))), DropSeeker(SeekerId(UUID(int=number)))]
        )
        engine.refill(seekers[key] for key in engine.wanted())
        engine.settle()


def small_market(model: Model) -> tuple[list[PreparedPosting], list[PreparedSeeker]]:
    """A few documents of either side, which match."""
    return (
        [prepare_posting(model, _posting(number)) for number in range(_DOCUMENTS)],
        [prepare_seeker(model, _seeker(number), _held(number)) for number in range(_DOCUMENTS)],
    )


def _posting(number: int) -> Posting:
    return Posting(
        PostingId(UUID(int=number)), EmployerId("warm"), 1, open=True, title="焊工 welder",
        county="530102", pay=Pay(1, 2, PayUnit.MONTH), text="焊接", occupation=_TRADE,
        skills=(SkillWanted("焊接"),), certificates=(CertificateWanted(_TRADE, 1, required=False),),
    )  # fmt: skip


def _seeker(number: int) -> Seeker:
    return Seeker(
        SeekerId(UUID(int=number)), 1, looking=True, titles=("焊工",), text="焊接 weld",
        occupations=(_TRADE,), skills=("焊接", "电焊"), counties=("530102", "530100"),
    )  # fmt: skip


def _held(number: int) -> tuple[HeldCertificate, ...]:
    return (HeldCertificate(CertificateId(UUID(int=number)), _TRADE, 3),) if number % 2 else ()
