"""Postings, seekers and certificates to test with: one that is good, and any that could be."""

from random import Random
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
# It borders 红塔, over the border of their prefectures.
JINNING = "530115"

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
PLACES = (WUHUA, PANLONG, JINNING, KUNMING, HONGTA, "530400")
UNITS = tuple(PayUnit)


def posting_id(number: int) -> PostingId:
    """Ids in order of their numbers."""
    return PostingId(UUID(int=_spread(number)))


def seeker_id(number: int) -> SeekerId:
    """Ids in order of their numbers."""
    return SeekerId(UUID(int=1 << 127 | _spread(number)))


def _spread(number: int) -> int:
    """In order of the numbers, over both halves of an id, and over all bits of the lower one."""
    return number >> 1 << 64 | (number & 1) << 63


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


def any_certificate(draw: Random, number: int) -> HeldCertificate:
    """Any certificate in force, also one that says next to nothing."""
    return HeldCertificate(
        certificate_id=certificate_id(number),
        occupation=draw.choice((*OCCUPATIONS, None)),
        level=draw.choice((None, 1, 3, 5, 8)),
        name=draw.choice((None, "焊工职业技能等级证书", "电工证", "java")),
    )


def any_folder(draw: Random) -> tuple[HeldCertificate, ...]:
    """Up to three certificates, in no order."""
    return tuple(any_certificate(draw, number) for number in draw.sample(range(6), _few(draw)))


def any_posting(draw: Random, number: int, version: int = 1) -> Posting:
    """Any posting of this id."""
    low = draw.choice((0, 20, 200, 5000, 6000, 80_000, 10**12))
    return Posting(
        posting_id=posting_id(number),
        employer_id=EmployerId("emp-1"),
        version=version,
        open=draw.random() < 0.8,
        title=draw.choice(TITLES),
        text=draw.choice(TEXTS),
        county=draw.choice((WUHUA, PANLONG, JINNING, HONGTA)),
        pay=Pay(low, low + draw.choice((0, 1, 2000)), draw.choice(UNITS)),
        occupation=draw.choice((*OCCUPATIONS, None)),
        remote=draw.random() < 0.5,
        skills=tuple(
            SkillWanted(draw.choice(SKILLS), draw.random() < 0.5) for _ in range(_few(draw))
        ),
        certificates=tuple(
            CertificateWanted(
                draw.choice(OCCUPATIONS), draw.choice((1, 3, 5, 8)), draw.random() < 0.3
            )
            for _ in range(_few(draw))
        ),
        education=draw.choice((None, None, Education.ASSOCIATE, Education.MASTER)),
        experience_years=draw.choice((0, 0, 3, 10)),
        employment=draw.choice(tuple(Employment)[:3]),
    )


def any_seeker(draw: Random, number: int, version: int = 1) -> Seeker:
    """Any seeker of this id."""
    floor = PayFloor(draw.choice((0, 30, 300, 6000, 90_000)), draw.choice(UNITS))
    return Seeker(
        seeker_id=seeker_id(number),
        version=version,
        looking=draw.random() < 0.8,
        titles=tuple(draw.sample(TITLES, _few(draw))),
        text=draw.choice(TEXTS),
        occupations=tuple(draw.sample(OCCUPATIONS, _few(draw))),
        skills=tuple(draw.choice(SKILLS) for _ in range(1 + _few(draw))),
        education=draw.choice((None, *Education)),
        experience_years=draw.choice((0, 2, 3, 1000)),
        counties=tuple(draw.sample(PLACES, _few(draw))),
        commute=draw.random() < 0.4,
        remote_ok=draw.random() < 0.5,
        pay_floor=draw.choice((None, floor)),
        employment=draw.choice(
            ((), (Employment.FULL_TIME,), (Employment.PART_TIME, Employment.TEMPORARY))
        ),
    )


def _few(draw: Random) -> int:
    return draw.choice((0, 1, 1, 2, 3))


draws = st.randoms(use_true_random=False)
certificates_held = draws.map(any_folder)


def postings(number: int, version: int = 1) -> st.SearchStrategy[Posting]:
    """Any posting of this id."""
    return draws.map(lambda draw: any_posting(draw, number, version))


def seekers(number: int, version: int = 1) -> st.SearchStrategy[Seeker]:
    """Any seeker of this id."""
    return draws.map(lambda draw: any_seeker(draw, number, version))
