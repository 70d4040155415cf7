"""The section on quality is made anew when something that it is made from changed, and not otherwise."""

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.report import data, diagnosis, evaluation, unchanged_sections
from pipelines.report.unchanged_sections import describe_data, describe_diagnosis, describe_evaluation


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that the section is made."""
    times: list[str] = []

    def describe(run: Any, cache: Path) -> dict[str, Any]:
        times.append(run.id)
        return {"rows": len(times)}

    monkeypatch.setattr(evaluation, "describe_evaluation", describe)
    monkeypatch.setattr(unchanged_sections, "task_file_digests", lambda task: task)
    return times


def make_run(artifact: Path, name: str = "first", **changed: Any) -> Any:
    """A run with one node, as far as the cache looks at it."""
    outputs = {"model": {"uri": str(artifact)}}
    summary = {"nodes": [{"outputs": outputs}], "task_files": {}, "source_digest": "", "stack": {}, "metrics": {}}
    return types.SimpleNamespace(id=name, task="taxi", task_record={"model.py": "1"}, summary=summary | changed)


def test_the_same_artifacts_and_code_give_the_same_section(made: list[str], tmp_path: Path) -> None:
    for name in ("first", "second"):
        assert describe_evaluation(make_run(tmp_path, name), tmp_path / "cache") == {"rows": 1}
    assert made == ["first"]


@pytest.mark.parametrize(
    "change",
    [
        lambda run, patch: run.summary.update(metrics={"overall": {"auc": 0.9}}),
        lambda run, patch: run.summary.update(source_digest="edited"),
        lambda run, patch: run.summary.update(stack={"keras": "3"}),
        lambda run, patch: run.task_record.update({"model.py": "2"}),
        lambda run, patch: run.summary["nodes"].append({"outputs": {"model": {"uri": "/"}}}),
        lambda run, patch: patch.setattr(unchanged_sections, "decision_threshold", lambda task: 0.3),
        lambda run, patch: patch.setattr(unchanged_sections, "source_digest", lambda code: "edited"),
    ],
)
def test_a_change_makes_it_anew_and_forgets_the_old_one(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any, pytest.MonkeyPatch], None]
) -> None:
    cache = tmp_path / "cache"
    describe_evaluation(make_run(tmp_path), cache)
    changed = make_run(tmp_path, "changed")
    change(changed, monkeypatch)
    assert describe_evaluation(changed, cache) == {"rows": 2}
    assert made == ["first", "changed"]
    assert len(list((cache / "evaluation" / "taxi").iterdir())) == 1


def test_what_lacks_an_artifact_is_neither_remembered_nor_taken_from_the_cache(made: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        describe_evaluation(make_run(tmp_path / "gone"), tmp_path / "cache")
    assert made == ["first", "first"]
    assert not (tmp_path / "cache").exists()


def test_the_section_on_explanations_is_remembered_apart(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[str] = []
    monkeypatch.setattr(diagnosis, "describe_diagnosis", lambda run: {"made": times.append(run.id) or len(times)})
    run = make_run(tmp_path)
    assert describe_evaluation(run, tmp_path / "cache") == {"rows": 1}
    assert [describe_diagnosis(run, tmp_path / "cache") for _ in range(2)] == [{"made": 1}] * 2
    assert describe_evaluation(run, tmp_path / "cache") == {"rows": 1}
    monkeypatch.setattr(unchanged_sections, "source_digest", lambda code: code.__name__)
    assert describe_diagnosis(run, tmp_path / "cache") == {"made": 2}


DATA_RECORD = {
    "data": "data.csv", "rows": {"train": 2}, "split": "", "unread_files": [], "vocabularies": {},
    "schema_differences": [], "spans": [],
}  # fmt: skip


def count_descriptions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that the section on data is made."""
    described: list[str] = []

    def describe(run: Any) -> dict[str, Any]:
        described.append(run.id)
        return {"made": len(described)}

    monkeypatch.setattr(data, "describe_data", describe)
    return described


@pytest.mark.parametrize(
    ("changed", "times"),
    [
        ({}, 1),
        ({"data": "moved.csv"}, 2),
        ({"unread_files": ["other.txt"]}, 2),
        ({"rows": {"train": 3}}, 2),
        ({"vocabularies": {"company_id": {"size": 3}}}, 2),
    ],
)
def test_the_section_on_data_is_made_anew_when_what_the_record_says_of_rows_changed(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], times: int
) -> None:
    described = count_descriptions(monkeypatch)
    monkeypatch.setattr(unchanged_sections, "source_digest", lambda code: code.__name__)
    for name, more in {"first": {}, "second": changed}.items():
        found = describe_data(make_run(tmp_path, name, **DATA_RECORD | more), tmp_path / "cache")
    assert found == {"made": times}
    assert len(described) == times


def test_the_section_on_data_of_spans_is_made_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = count_descriptions(monkeypatch)
    for name in ("first", "second"):
        run = make_run(tmp_path, name, **DATA_RECORD | {"spans": [{"span": 1}]})
        describe_data(run, tmp_path / "cache")
    assert described == ["first", "second"]
