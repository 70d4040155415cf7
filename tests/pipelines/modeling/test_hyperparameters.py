"""Hyperparameters from a file and from Trainer's artifact, and what is refused."""

import dataclasses
import json
from pathlib import Path

import keras_tuner
import pytest

from pipelines.modeling.hyperparameters import (
    ARTIFACT_FILE,
    HyperparameterError,
    as_config,
    from_config,
    hyperparameters_copy,
    read_committed,
    read_hyperparameters,
)
from tests.pipelines.search import quick
from tests.tasks.diabetes.task import TASK as WITHOUT

FILE = """\
architecture = "linear"  # a comment
learning_rate = 0.001
batch_size = 100
seed = 5
"""
TASK = dataclasses.replace(WITHOUT, hyperparameters=Path(__file__), tuning=quick.TUNING)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hyperparameters.toml"
    path.write_text(FILE)
    return path


def test_reads_what_the_file_holds(file: Path) -> None:
    assert read_hyperparameters(file, quick.Hyperparameters) == quick.COMMITTED


def test_refuses_an_architecture_that_the_task_has_not(file: Path) -> None:
    task = dataclasses.replace(TASK, hyperparameters=file)
    assert read_committed(task) == quick.COMMITTED
    file.write_text(FILE.replace('"linear"', '"linaer"'))
    with pytest.raises(HyperparameterError, match=r"architecture: expected one of .*, received 'linaer'; did you mean"):
        read_committed(task)


def test_a_whole_number_will_do_for_a_float(file: Path) -> None:
    file.write_text(FILE.replace("0.001", "1"))
    found = read_hyperparameters(file, quick.Hyperparameters)
    assert (type(found.learning_rate), found.learning_rate) == (float, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("batch_size", "batchsize", "unknown key 'batchsize'; did you mean 'batch_size'?"),
        (
            "seed = 5",
            "seed = 5\nzzz = 1",
            "unknown key 'zzz'; expected one of architecture, learning_rate, batch_size, seed",
        ),
        ("seed = 5", "", "expected seed, received no such key; add it"),
        ("100", "1.5", "batch_size: expected a whole number, received 1.5"),
        ("100", "true", "batch_size: expected a whole number, received True"),
        ("0.001", '"fast"', "learning_rate: expected a number, received 'fast'"),
        ("100", "0", "hyperparameter batch_size: expected 1 or more, received 0"),
    ],
)
def test_what_cannot_be_used(file: Path, before: str, after: str, message: str) -> None:
    file.write_text(FILE.replace(before, after))
    with pytest.raises(HyperparameterError) as error:
        read_hyperparameters(file, quick.Hyperparameters)
    assert str(error.value) == f"{file}: {message}"


def test_what_is_not_toml(file: Path) -> None:
    file.write_text("seed: 5")
    with pytest.raises(HyperparameterError, match=r"hyperparameters\.toml: expected TOML, received something else: "):
        read_hyperparameters(file, quick.Hyperparameters)


def test_the_artifact_is_what_kerastuner_reads(file: Path, tmp_path: Path) -> None:
    folder = hyperparameters_copy(dataclasses.replace(TASK, hyperparameters=file), tmp_path)
    assert folder is not None
    assert [path.name for path in folder.iterdir()] == [ARTIFACT_FILE]  # TFX reads the only file there
    config = json.loads((folder / ARTIFACT_FILE).read_text())
    assert keras_tuner.HyperParameters.from_config(config).values == dataclasses.asdict(quick.COMMITTED)
    assert from_config(config, quick.Hyperparameters) == quick.COMMITTED


def test_what_a_search_wrote_is_read_alike() -> None:
    space = keras_tuner.HyperParameters()
    quick.search_space(space, quick.COMMITTED)
    for name in ("architecture", "batch_size", "seed"):
        space.Fixed(name, getattr(quick.COMMITTED, name))
    assert from_config(space.get_config(), quick.Hyperparameters) == quick.COMMITTED


def test_the_copys_name_changes_with_a_value_and_not_with_a_comment(file: Path, tmp_path: Path) -> None:
    task = dataclasses.replace(TASK, hyperparameters=file)
    first = hyperparameters_copy(task, tmp_path)
    file.write_text(FILE.replace("a comment", "another"))
    assert hyperparameters_copy(task, tmp_path) == first
    file.write_text(FILE.replace("0.001", "0.002"))
    second = hyperparameters_copy(task, tmp_path)
    assert first is not None
    assert second != first
    assert sorted(first.parent.iterdir()) == sorted([first, second])  # nothing half written beside them


def test_a_copy_that_somebody_changed_stays_so_that_it_is_noticed(file: Path, tmp_path: Path) -> None:
    task = dataclasses.replace(TASK, hyperparameters=file)
    folder = hyperparameters_copy(task, tmp_path)
    assert folder is not None
    (folder / ARTIFACT_FILE).write_text("changed")
    assert hyperparameters_copy(task, tmp_path) == folder
    assert (folder / ARTIFACT_FILE).read_text() == "changed"


def test_a_bad_file_is_refused_before_anything_runs(file: Path, tmp_path: Path) -> None:
    file.write_text(FILE.replace("100", "0"))
    with pytest.raises(HyperparameterError, match="batch_size: expected 1 or more, received 0"):
        hyperparameters_copy(dataclasses.replace(TASK, hyperparameters=file), tmp_path)
    assert not (tmp_path / "hyperparameters").exists()


def test_a_task_without_the_file(tmp_path: Path) -> None:
    assert hyperparameters_copy(WITHOUT, tmp_path) is None
    with pytest.raises(HyperparameterError, match=r"^Trainer was given no hyperparameters: expected those that"):
        from_config(None, quick.Hyperparameters)


def test_as_config_fixes_every_value() -> None:
    config = as_config({"a": 1, "b": "x"})
    assert {part["class_name"] for part in config["space"]} == {"Fixed"}
