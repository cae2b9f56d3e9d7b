"""1,173 real Chinese postings meet seekers: the live set is the brute force's, and soon there.

The postings are no part of the project: a folder `shared` beside the checkout holds them, or the
one that RENGANG_SHARED names.
"""

import json
import os
import random
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.values import Education, EmployerId, PayUnit, PostingId, SeekerId
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import Pay, PayFloor, Posting, Seeker, SkillWanted
from services.matcher.domain.engine import Change, PutPosting, PutSeeker
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.side import Sizes
from services.matcher.domain.model import fit
from services.matcher.domain.oracle import live_set
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from tests.matcher.engines import Kept

BESIDE = Path(__file__).parents[2].parent / "shared"
POSTINGS = Path("datasets/zh_postings_5iai/postings.jsonl")
COUNTIES = ("530102", "530103", "530111", "530302", "530402")
KNOWN = ("Python", "Java", "SQL", "Excel", "数据分析", "Hadoop", "Spark", "MySQL", "C++", "Tableau")
EDUCATION = {2: Education.ASSOCIATE, 3: Education.BACHELOR, 4: Education.MASTER}

Line = dict[str, Any]


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    shared = Path(os.environ.get("RENGANG_SHARED", BESIDE))
    with (shared / POSTINGS).open(encoding="utf-8") as stored:
        return [json.loads(line) for line in stored]


def posting_of(number: int, line: Line, draw: random.Random) -> Posting:
    title, text = str(line["title"]), str(line["text"])
    low, high = line["salary"] or (5000, 8000)
    years = "".join(char for char in str(line["experience"]) if char.isdigit())[:1]
    named = list(line["skills"]) or [skill for skill in KNOWN if skill in text]
    return Posting(
        PostingId(UUID(int=number)),
        EmployerId("emp-1"),
        1,
        open=True,
        title=title,
        county=draw.choice(COUNTIES),
        pay=Pay(int(low), int(high), PayUnit.MONTH),
        text=text,
        remote=draw.random() < 0.1,
        skills=tuple(SkillWanted(name, at < 3) for at, name in enumerate(named[:6])),
        education=EDUCATION.get(line["education_code"]),
        experience_years=int(years or 0),
    )


def seeker_of(number: int, line: Line, draw: random.Random) -> Seeker:
    """Someone who did such a job: its title, some of its sentences, some of its skills."""
    text = str(line["text"])
    sentences = [part for part in text.replace("\n", "。").split("。") if len(part) > 8]
    named = [skill for skill in KNOWN if skill in text]
    return Seeker(
        SeekerId(UUID(int=1 << 64 | number)),
        1,
        looking=True,
        titles=(str(line["title"]),),
        text="。".join(draw.sample(sentences, min(3, len(sentences)))),
        skills=(*draw.sample(named, min(4, len(named))), *draw.sample(KNOWN, 2)),
        education=draw.choice((Education.ASSOCIATE, Education.BACHELOR, Education.MASTER)),
        experience_years=draw.randint(0, 8),
        counties=(draw.choice(COUNTIES), "530100"),
        remote_ok=draw.random() < 0.3,
        pay_floor=PayFloor(draw.randint(4, 15) * 1000, PayUnit.MONTH),
    )


def test_a_real_corpus_matches_as_brute_force_does(lines: list[Line]) -> None:
    draw = random.Random(5)
    model = fit(f"{line['title']}\n{line['text']}" for line in lines).limited(k_s=5, k_p=7)
    jobs = [
        prepare_posting(model, posting_of(number, line, draw))
        for number, line in enumerate(draw.sample(lines, 150))
    ]
    people = [
        prepare_seeker(model, seeker_of(number, draw.choice(lines), draw)) for number in range(150)
    ]
    kept = Kept(FastEngine(model, sizes=Sizes(head=32, segment=128, loud_from=1000)))
    changes: list[Change] = [
        *(PutPosting(job) for job in jobs),
        *(PutSeeker(person) for person in people),
    ]
    for change in draw.sample(changes, len(changes)):
        kept.take(change)
    assert kept.heard() == live_set(model.limits, jobs, people)
    assert len(kept.live) > 500


def test_a_real_corpus_arrives_in_seconds(lines: list[Line]) -> None:
    # Some 3 s on one core of 2024, mostly reading texts; a scan would take a hundred times that.
    draw, model = random.Random(6), base_model()
    kept = Kept(FastEngine(model))
    for number in range(1000):
        seeker = seeker_of(number, draw.choice(lines), draw)
        kept.take(PutSeeker(prepare_seeker(model, seeker)))
    jobs = (posting_of(number, line, draw) for number, line in enumerate(lines))
    kept.take(*(PutPosting(prepare_posting(model, job)) for job in jobs))
    kept.engine.refill([kept.seekers[wanted] for wanted in kept.engine.wanted()])
    assert len(kept.engine.settle()) > 10_000
