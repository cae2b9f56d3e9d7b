"""Rankings are worth what the labels say, ours beside the others, and a loss is told."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import quality_adapter
from bench.quality import datasets
from bench.quality.baselines import Texts, baselines
from bench.quality.required import required
from bench.quality.result import OURS, Result, Row
from bench.quality.telling import told
from services.matcher.domain.base_model import base_model
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from tests.dev.programs import rengang

EVALUATION = '''
"""Reciprocal ranks, in the form of the real one."""
import json, pathlib
import numpy as np

HERE = pathlib.Path(__file__).parent
PRIMARY = {"zh_title": "mrr", "en_title": "mrr"}

def load(task):
    base = HERE / "titles"
    rows = [
        [json.loads(line) for line in (base / f"{task[:2]}_{kind}.jsonl").read_text().splitlines()]
        for kind in ("queries", "docs")
    ]
    relevant = json.loads((base / f"{task[:2]}_qrels.json").read_text())
    grades = [[relevant[q["id"]].get(d["id"], 0) for d in rows[1]] for q in rows[0]]
    return *rows, np.array(grades, np.float32)

def rank_metrics(s, g):
    ranks = [np.flatnonzero(gr[np.argsort(-sr, kind="stable")])[0] for sr, gr in zip(s, g)]
    return {"mrr": 1 / (1 + np.array(ranks))}

def boot(v):
    return float(v.min()), float(v.max())
'''
"""As much of an evaluation as there must be beside labelled data."""

DOCS = {
    "zh": ["焊接工人", "会计", "出纳员", "幼儿园老师", "前台接待"],
    "en": ["Welder", "Accountant", "Cashier", "Nursery teacher", "Receptionist"],
}
QUERIES = {
    "zh": {"电焊工": "焊接工人", "会计主管": "会计"},
    "en": {"Certified welder": "Welder", "Hotel receptionist": "Receptionist"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    titles = tmp_path / "titles"
    titles.mkdir()
    (tmp_path / "dev_eval.py").write_text(EVALUATION)
    for language, docs in DOCS.items():
        asked = QUERIES[language]
        qrels = {f"q{at}": {f"d{docs.index(right)}": 1} for at, right in enumerate(asked.values())}
        write_lines(titles / f"{language}_docs.jsonl", "d", language, docs)
        write_lines(titles / f"{language}_queries.jsonl", "q", language, list(asked))
        (titles / f"{language}_qrels.json").write_text(json.dumps(qrels))
    return tmp_path


def write_lines(path: Path, prefix: str, language: str, titles: Sequence[str]) -> None:
    rows = [
        {"id": f"{prefix}{at}", "lang": language, "title": title} for at, title in enumerate(titles)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_everyone_is_measured_by_the_labels_of_the_folder(folder: Path) -> None:
    done = rengang("bench", "quality", "--datasets", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["sizes"] == {"zh_title": [2, 5], "en_title": [2, 5]}
    rows = {(row["task"], row["name"]): row for row in said["rows"]}
    assert len(rows) == len(said["rows"]) == 2 * (1 + len(names()))
    # 电焊工 has no term in common with 焊接工人 that is not part of a word.
    assert rows["zh_title", OURS]["value"] == 1.0
    assert rows["zh_title", "TfidfVectorizer() as it comes"]["value"] < 1.0
    assert rows["zh_title", "TfidfVectorizer() as it comes"]["ahead"] > 0
    assert rows["en_title", "TF-IDF of words"]["value"] == 1.0
    assert [line["what"][:8] for line in said["required"]] == [
        "zh_title", "zh_title", "en_title", "en_title",
    ]  # fmt: skip


def test_a_task_alone_is_told_in_one_table(folder: Path) -> None:
    done = rengang("bench", "quality", "--datasets", str(folder), "--tasks", "en_title")
    assert done.returncode == 0, done.stderr
    assert "en_title mrr" in done.stdout
    assert "zh_title" not in done.stdout
    for name in (OURS, *names()):
        assert f"\n{name} " in done.stdout


def test_without_the_data_one_line_says_how_to_name_it(tmp_path: Path) -> None:
    done = rengang("bench", "quality", "--datasets", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"not measured: no {tmp_path}/dev_eval.py: "
        f"name the folder with --datasets or {datasets.VARIABLE}"
    ]


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(datasets.VARIABLE, str(tmp_path))
    assert datasets.usual_folder() == tmp_path


def test_an_unknown_task_is_refused(folder: Path) -> None:
    done = rengang("bench", "quality", "--datasets", str(folder), "--tasks", "en_title,fish")
    assert done.returncode == 2
    assert "no task fish; there are zh_title, en_title" in done.stderr


def test_the_adapter_scores_every_pair_as_the_definition_does() -> None:
    queries: list[dict[str, Any]] = [
        {"title": "电焊工", "skills": ["氩弧焊"], "salary": [5_000, 7_000]},
        {"skills": ["python", "sql"]},
        {"text": "会做账，会报税"},
    ]
    docs: list[dict[str, Any]] = [
        {"title": "焊工", "skills": ["氩弧焊", "电焊"], "salary": [4_000, 6_000]},
        {"title": "会计", "text": "负责做账、报税"},
        {"title": "x", "salary": None},
        {"title": "Python developer", "skills": ["Python"], "text": "SQL"},
    ]
    model = base_model()
    postings = [
        prepare_posting(model, quality_adapter.posting_of(at, doc)) for at, doc in enumerate(docs)
    ]
    seekers = [
        prepare_seeker(model, quality_adapter.seeker_of(at, query))
        for at, query in enumerate(queries)
    ]
    assert quality_adapter.score(queries, docs).tolist() == [
        [score(posting, seeker).score_ppm for posting in postings] for seeker in seekers
    ]


def names() -> list[str]:
    return [name for name, _ in baselines(texts("en"))]


def texts(language: str) -> Texts:
    queries, docs = list(QUERIES[language]), DOCS[language]
    return Texts(queries, docs, chinese=language == "zh")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_baseline_scores_all_pairs_and_prefers_what_is_alike(language: str) -> None:
    asked = texts(language)
    for name, scores in baselines(asked):
        assert scores.shape == (2, 5), name
        assert np.isfinite(scores).all(), name
        if name != "TfidfVectorizer() as it comes":
            right = asked.docs.index(list(QUERIES[language].values())[1])
            assert scores[1].argmax() == right, name


def row(name: str, value: float, ahead_low: float) -> Row:
    ahead = 0.5 - value
    return Row("zh_title", name, "map", value, 0.3, 0.6, ahead, ahead_low, 0.4, 1.0)


@pytest.mark.parametrize(
    ("value", "ahead_low", "met"),
    [(0.4, 0.05, True), (0.45, -0.01, None), (0.5, 0.0, False), (0.6, -0.2, False)],
)
def test_what_may_be_chance_is_not_called_met(
    value: float, ahead_low: float, met: bool | None
) -> None:
    result = Result(sizes={"zh_title": (33, 2_513)})
    result.rows = [row(OURS, 0.5, 0.0), row("weak", 0.1, 0.3), row("rival", value, ahead_low)]
    least, line = required(result)
    assert (least.met, least.target) == (True, "≥ 0.45")
    assert line.met is met
    assert line.target == f"> {value:.3f}, rival"
    said = told(result, [line])
    assert ("zh_title, rival: 0.100 more" in said) == (value > 0.5)
    assert "weak: " not in said
