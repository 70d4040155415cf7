"""The registry finds what the Resolvers would find, by the same rules."""

import json
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types import Artifact, standard_artifacts

from components.artifacts import ModelComparison
from components.run_registry import component
from components.run_registry.pointers import POINTS_TO
from components.run_registry.records import ACCEPTED, PUSHED, read_records, write_record


def execute(kind: type[BaseComponent], inputs: dict[str, Artifact], outputs: dict[str, Artifact], **told: Any) -> None:
    executor = kind.EXECUTOR_SPEC.executor_class()
    executor.Do({key: [one] for key, one in inputs.items()}, {key: [one] for key, one in outputs.items()}, told)


def artifact(kind: type[Artifact], folder: Path, **properties: int | str) -> Artifact:
    made = kind()
    folder.mkdir(parents=True, exist_ok=True)
    made.uri = str(folder)
    for name, value in properties.items():
        set_property = made.set_int_custom_property if isinstance(value, int) else made.set_string_custom_property
        set_property(name, value)
    return made


def statistics(folder: Path, span: int = 0) -> Artifact:
    made = artifact(standard_artifacts.ExampleStatistics, folder)
    made.span = span
    return made


def targets(pointer: Artifact) -> list[str]:
    return [Path(target["uri"]).name for target in json.loads(pointer.get_string_custom_property(POINTS_TO))]


def accept(registry: Path, found: Artifact) -> None:
    execute(component.AcceptedStatisticsRecord, {"statistics": found}, {}, registry=str(registry))


def look_up_statistics(registry: Path, current: Artifact) -> list[str]:
    found = standard_artifacts.ExampleStatistics()
    execute(component.AcceptedStatisticsLookup, {"current": current}, {"statistics": found}, registry=str(registry))
    return targets(found)


def test_statistics_accepted_last_are_found_but_never_this_run_s_own(tmp_path: Path) -> None:
    first, second, third = (statistics(tmp_path / name) for name in ("first", "second", "third"))
    assert look_up_statistics(tmp_path / "registry", first) == []
    accept(tmp_path / "registry", first)
    assert look_up_statistics(tmp_path / "registry", first) == []
    accept(tmp_path / "registry", second)
    accept(tmp_path / "registry", second)
    assert len(list(read_records(str(tmp_path / "registry"), ACCEPTED))) == 2
    assert look_up_statistics(tmp_path / "registry", third) == ["second"]
    assert look_up_statistics(tmp_path / "registry", second) == ["first"]


def test_statistics_of_another_span_and_those_that_are_gone_are_left_out(tmp_path: Path) -> None:
    kept, other, gone = (
        statistics(tmp_path / "kept", 1),
        statistics(tmp_path / "other", 2),
        statistics(tmp_path / "gone", 1),
    )
    for found in (kept, other, gone):
        accept(tmp_path / "registry", found)
    (tmp_path / "gone").rmdir()
    assert look_up_statistics(tmp_path / "registry", statistics(tmp_path / "new", 1)) == ["kept"]


def push(folder: Path, name: str, *, pushed: int = 1, place: str = "serving/taxi", outcome: str = "better") -> None:
    told = {"pushed": pushed, "pushed_destination": f"{place}/17", "pushed_version": "17"}
    inputs = {
        "model": artifact(standard_artifacts.Model, folder / name),
        "pushed_model": artifact(standard_artifacts.PushedModel, folder / "pushed", **told),
        "comparison": artifact(ModelComparison, folder / f"{name}-compared", outcome=outcome),
    }
    execute(component.PushRecord, inputs, {}, registry=str(folder / "registry"))


def look_up_models(
    folder: Path, current: str, *, place: str = "serving/taxi", versions: int = 2
) -> dict[str, list[str]]:
    found = {
        "model": standard_artifacts.Model(),
        "earlier": standard_artifacts.Model(),
        "comparisons": ModelComparison(),
    }
    execute(
        component.PushedModelsLookup,
        {"current": artifact(standard_artifacts.Model, folder / current)},
        found,
        registry=str(folder / "registry"),
        push_destination=json.dumps({"filesystem": {"baseDirectory": place}}),
        versions=versions,
    )
    return {key: targets(pointer) for key, pointer in found.items()}


def test_models_pushed_last_are_found_each_once_the_newest_first(tmp_path: Path) -> None:
    assert look_up_models(tmp_path, "new") == {"model": [], "earlier": [], "comparisons": []}
    for name in ("a", "b", "a", "c"):
        push(tmp_path, name)
    assert look_up_models(tmp_path, "new") == {
        "model": ["c"],
        "earlier": ["a"],
        "comparisons": ["c-compared", "a-compared"],
    }
    assert look_up_models(tmp_path, "c", versions=5)["earlier"] == ["b"]
    (tmp_path / "a").rmdir()
    assert look_up_models(tmp_path, "new", versions=5)["earlier"] == ["b"]


def test_what_was_not_pushed_or_went_elsewhere_is_no_yardstick(tmp_path: Path) -> None:
    push(tmp_path, "held back", pushed=0)
    push(tmp_path, "elsewhere", place="trial/taxi")
    assert look_up_models(tmp_path, "new")["model"] == []
    assert look_up_models(tmp_path, "new", place="trial/taxi")["model"] == ["elsewhere"]
    (record,) = read_records(str(tmp_path / "registry"), PUSHED)
    assert (record["destination"], record["version"]) == ("trial/taxi", "17")


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    path = Path(write_record(str(tmp_path), PUSHED, {}))
    path.write_text("{")
    with pytest.raises(ValueError, match=rf"{path}: expected a record as JSON, received something else"):
        list(read_records(str(tmp_path), PUSHED))
