"""Reasons: they add up, they name what proves them, and they tell what is missing."""

from collections.abc import Iterator
from dataclasses import asdict

from hypothesis import given

from contracts import matches as contracts
from contracts.reasons import render, render_missing
from contracts.values import PayUnit
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import (
    CertificateWanted,
    HeldCertificate,
    PayFloor,
    Posting,
    Seeker,
    SkillWanted,
)
from services.matcher.domain.explain import Explanation, Missing, Node, explain
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from tests.matcher.documents import (
    FITTER,
    a_certificate,
    a_posting,
    a_seeker,
    certificates_held,
    postings,
    seekers,
)

MODEL = base_model()


def explained(posting: Posting, seeker: Seeker, *held: HeldCertificate) -> Explanation:
    return explain(prepare_posting(MODEL, posting), prepare_seeker(MODEL, seeker, held))


def node(explanation: Explanation, code: str) -> Node:
    (found,) = (leaf for leaf in explanation.reason.leaves() if leaf.code == code)
    return found


def nodes(reason: Node) -> Iterator[Node]:
    yield reason
    for child in reason.children:
        yield from nodes(child)


def inner_nodes_add_up(reason: Node) -> bool:
    return not reason.children or (
        reason.points_ppm == sum(child.points_ppm for child in reason.children)
        and all(inner_nodes_add_up(child) for child in reason.children)
    )


@given(postings(1), seekers(1), certificates_held)
def test_the_leaves_add_up_to_the_score(
    posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...]
) -> None:
    job, person = prepare_posting(MODEL, posting), prepare_seeker(MODEL, seeker, held)
    reason = explain(job, person).reason
    leaves = list(reason.leaves())
    assert sum(leaf.points_ppm for leaf in leaves) == score(job, person).score_ppm
    assert min(leaf.points_ppm for leaf in leaves) >= 0
    assert inner_nodes_add_up(reason)


@given(postings(1), seekers(1), certificates_held)
def test_every_reason_and_every_lack_has_words(
    posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...]
) -> None:
    explanation = explained(posting, seeker, *held)
    said = [
        render(contracts.Reason(**{**asdict(node), "children": ()}), "zh")
        for node in nodes(explanation.reason)
    ]
    said += [
        render_missing(contracts.Missing(code=lack.code, params=lack.params), "zh")
        for lack in explanation.missing
    ]
    assert [words for words in said if words.startswith("其他")] == []


def test_a_perfect_pair_is_explained_from_the_root() -> None:
    reason = explained(a_posting(), a_seeker(), a_certificate()).reason
    assert reason.code == "match"
    assert [child.code for child in reason.children] == ["text", "skills", "fit"]
    assert [child.code for child in reason.children[2].children] == [
        "fit.pay",
        "fit.place",
        "fit.experience",
        "fit.occupation",
        "fit.certificate",
    ]


def test_shared_words_are_told_as_they_stand_in_the_posting() -> None:
    posting = a_posting(
        title="数据分析师",
        text="负责用户增长的数据分析，熟悉 Python 和 C++",
        skills=(),
        occupation=None,
    )
    seeker = a_seeker(
        titles=("高级数据分析师",),
        text="三年 python 与 c++ 经验，做过用户增长",
        skills=(),
        occupations=(),
    )
    text = explained(posting, seeker).reason.children[0]
    told = [leaf.params["term"] for leaf in text.children if leaf.code == "text.term"]
    assert told[0] == "数据分析师"
    assert {"python", "c++", "用户增长"} <= set(told)
    assert len(told) <= 5
    spoken = [(leaf.code, *leaf.params.values()) for leaf in text.leaves()]
    assert [code for code, *_ in spoken].count("text.trade") == 1
    assert ("text.field", "data") in spoken
    assert text.children[-1].code == "text.rest"


def test_what_rounding_leaves_over_is_told_as_the_rest() -> None:
    text = explained(
        a_posting(title="Java C++ .NET", text="", skills=(), occupation=None),
        a_seeker(titles=("Java",), text="C++ .NET", skills=()),
    ).reason.children[0]
    *terms, trades, rest = text.children
    assert [leaf.params["term"] for leaf in terms] == ["java", ".net", "c++"]
    assert trades.code == "text.trades"
    assert rest.code == "text.rest"
    assert text.points_ppm == sum(child.points_ppm for child in text.children)


def test_words_that_mean_the_same_are_told_with_both() -> None:
    alike = node(
        explained(a_posting(text="会用电子表格"), a_seeker(text="日常用 Excel 做报表")),
        "text.alike",
    )
    assert (alike.params["term"], alike.params["other"]) == ("电子表格", "excel")
    assert alike.points_ppm > 0


def test_texts_that_share_nothing_are_one_leaf_of_nothing() -> None:
    text = explained(
        a_posting(), a_seeker(titles=(), text="", skills=(), occupations=())
    ).reason.children[0]
    assert text == Node("text", 0)


def test_a_met_skill_names_its_evidence() -> None:
    explanation = explained(
        a_posting(skills=(SkillWanted("JS"),)), a_seeker(skills=("JavaScript",))
    )
    assert node(explanation, "skills.skill").params == {
        "skill": "JS",
        "required": 1,
        "evidence": "JavaScript",
        "similarity_ppm": 1_000_000,
    }
    assert node(explanation, "skills.skill").certificate_id is None


def test_a_proven_skill_names_the_certificate() -> None:
    held = a_certificate(name="焊工证", occupation=None)
    proven = node(
        explained(a_posting(skills=(SkillWanted("焊工"),)), a_seeker(), held), "skills.skill"
    )
    assert proven.certificate_id == held.certificate_id
    assert proven.params["evidence"] == "焊工证"


def test_what_is_missing_is_told_in_the_posting_s_order() -> None:
    posting = a_posting(
        skills=(SkillWanted("氩弧焊"), SkillWanted("探伤"), SkillWanted("读图", required=False)),
        certificates=(CertificateWanted(FITTER, 3, required=False),),
        experience_years=8,
    )
    assert explained(posting, a_seeker(experience_years=5)).missing == (
        Missing("missing.skill", {"skill": "探伤", "required": 1}),
        Missing("missing.skill", {"skill": "读图", "required": 0}),
        Missing("missing.certificate", {"occupation": FITTER, "level": 3, "required": 0}),
        Missing("missing.experience", {"asked_years": 8, "short_years": 3}),
    )


def test_an_employer_never_reads_the_pay_floor() -> None:
    for floor, meets in ((6543, "partly"), (5999, "all"), (8111, "below")):
        seeker = a_seeker(pay_floor=PayFloor(floor, PayUnit.MONTH))
        explanation = explained(a_posting(), seeker)
        assert node(explanation, "fit.pay").params == {
            "pay_low": 6000,
            "pay_high": 8000,
            "meets": meets,
        }
        assert str(floor) not in repr(explanation)
    assert node(explained(a_posting(), a_seeker()), "fit.pay").params["meets"] == "any"
