"""Postings, seekers and certificates to test with: one that is good, and any that could be."""

from uuid import UUID

from hypothesis import strategies as st

from contracts.values import (
    CertificateId,
    Education,
    EmployerId,
    Employment,
    PayUnit,
    PostingId,
    SeekerId,
)
from services.matcher.domain.documents import (
    CertificateWanted,
    HeldCertificate,
    Pay,
    PayFloor,
    Posting,
    Seeker,
    SkillWanted,
)

WELDER, FITTER, PROGRAMMER, COOK = "6-18-02-04", "6-31-01-03", "4-04-05-01", "4-03-02-01"
WUHUA, PANLONG, KUNMING, HONGTA = "530102", "530103", "530100", "530402"

# Few of everything, and some nearly the same: most pairs share something, and many scores tie.
TITLES = ("焊工", "电焊工", "Java开发工程师", "C++ 工程师", "厨师（中餐）", "普工", "Welder")
TEXTS = (
    "",
    "负责焊接工作",
    "熟悉 C++ 和 .NET，3年以上经验",
    "责任心强，能倒班。",
    "weld steel, read drawings",
)
SKILLS = (
    "焊接",
    "氩弧焊",
    "电焊工",
    "java",
    "JavaScript",
    "Java ",
    "javascripts",
    "c++",
    "c#",
    ".net",
    "钢结构读图",
    "钢结构识图",
    "钢结构图",
)
OCCUPATIONS = (WELDER, FITTER, PROGRAMMER, COOK, "6-18-02-03", "6-18", "nonsense")
PLACES = (WUHUA, PANLONG, KUNMING, HONGTA, "530400")
UNITS = tuple(PayUnit)


def posting_id(number: int) -> PostingId:
    """Ids in order of their numbers."""
    return PostingId(UUID(int=number))


def seeker_id(number: int) -> SeekerId:
    """Ids in order of their numbers."""
    return SeekerId(UUID(int=1 << 64 | number))


def certificate_id(number: int) -> CertificateId:
    """Ids in order of their numbers."""
    return CertificateId(UUID(int=2 << 64 | number))


def a_posting(number: int = 1, **changes: object) -> Posting:
    """A welder's job in 五华, open, for 6,000 to 8,000 a month."""
    fields = {
        "posting_id": posting_id(number),
        "employer_id": EmployerId("emp-1"),
        "version": 1,
        "open": True,
        "title": "焊工",
        "text": "负责钢结构焊接，会看图纸",
        "county": WUHUA,
        "pay": Pay(6000, 8000, PayUnit.MONTH),
        "occupation": WELDER,
        "skills": (SkillWanted("氩弧焊"), SkillWanted("读图", required=False)),
    }
    return Posting(**{**fields, **changes})  # type: ignore[arg-type]


def a_seeker(number: int = 1, **changes: object) -> Seeker:
    """A welder in 五华 who looks for work in 昆明."""
    fields = {
        "seeker_id": seeker_id(number),
        "version": 1,
        "looking": True,
        "titles": ("焊工",),
        "text": "五年钢结构焊接经验",
        "occupations": (WELDER,),
        "skills": ("氩弧焊",),
        "education": Education.SENIOR_SECONDARY,
        "experience_years": 5,
        "counties": (WUHUA, KUNMING),
    }
    return Seeker(**{**fields, **changes})  # type: ignore[arg-type]


def a_certificate(number: int = 1, **changes: object) -> HeldCertificate:
    """A welder's, 高级工."""
    fields = {
        "certificate_id": certificate_id(number),
        "occupation": WELDER,
        "level": 4,
        "name": "焊工职业技能等级证书",
    }
    return HeldCertificate(**{**fields, **changes})  # type: ignore[arg-type]


def _few(values: tuple[str, ...], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most).map(tuple)


certificates_held = st.lists(
    st.builds(
        HeldCertificate,
        certificate_id=st.integers(1, 6).map(certificate_id),
        occupation=st.sampled_from((*OCCUPATIONS, None)),
        level=st.sampled_from((None, 1, 3, 5, 8)),
        name=st.sampled_from((None, "焊工职业技能等级证书", "电工证", "java")),
    ),
    max_size=3,
    unique_by=lambda held: held.certificate_id,
).map(tuple)


@st.composite
def pays(draw: st.DrawFn) -> Pay:
    """Any pay, in any unit, from nothing to absurd."""
    low = draw(st.sampled_from((0, 20, 200, 5000, 6000, 80_000, 10**12)))
    return Pay(low, low + draw(st.sampled_from((0, 1, 2000))), draw(st.sampled_from(UNITS)))


def postings(number: int, version: int = 1) -> st.SearchStrategy[Posting]:
    """Any posting of this id."""
    return st.builds(
        Posting,
        posting_id=st.just(posting_id(number)),
        employer_id=st.just(EmployerId("emp-1")),
        version=st.just(version),
        open=st.sampled_from((True, True, True, False)),
        title=st.sampled_from(TITLES),
        text=st.sampled_from(TEXTS),
        county=st.sampled_from((WUHUA, PANLONG, HONGTA)),
        pay=pays(),
        occupation=st.sampled_from((*OCCUPATIONS, None)),
        remote=st.booleans(),
        skills=st.lists(
            st.builds(SkillWanted, st.sampled_from(SKILLS), st.booleans()), max_size=3
        ).map(tuple),
        certificates=st.lists(
            st.builds(
                CertificateWanted,
                st.sampled_from(OCCUPATIONS),
                st.integers(1, 8),
                st.sampled_from((False, False, True)),
            ),
            max_size=2,
        ).map(tuple),
        education=st.sampled_from((None, None, Education.ASSOCIATE, Education.MASTER)),
        experience_years=st.sampled_from((0, 0, 3, 10)),
        employment=st.sampled_from(Employment),
    )


def seekers(number: int, version: int = 1) -> st.SearchStrategy[Seeker]:
    """Any seeker of this id."""
    return st.builds(
        Seeker,
        seeker_id=st.just(seeker_id(number)),
        version=st.just(version),
        looking=st.sampled_from((True, True, True, False)),
        titles=_few(TITLES, 2),
        text=st.sampled_from(TEXTS),
        occupations=_few(OCCUPATIONS, 2),
        skills=_few(SKILLS, 4),
        education=st.sampled_from((None, *Education)),
        experience_years=st.sampled_from((0, 2, 3, 1000)),
        counties=_few(PLACES),
        remote_ok=st.booleans(),
        pay_floor=st.none()
        | st.builds(PayFloor, st.sampled_from((0, 30, 300, 6000, 90_000)), st.sampled_from(UNITS)),
        employment=st.sampled_from(
            ((), (), (Employment.FULL_TIME,), (Employment.PART_TIME, Employment.INTERNSHIP))
        ),
    )
