"""Features and layers as a run recorded them."""

import json
import zipfile
from pathlib import Path

import pytest

from pipelines.runs.difference import compare_mappings
from pipelines.runs.errors import RunError
from pipelines.runs.model_parts import read_features, read_layers

SCHEMA = """
feature { name: "fare_per_mile" type: FLOAT shape { dim { size: 1 } } }
feature { name: "hour" type: INT shape { dim { size: 2 } } }
"""


class Recorded:
    """A run, as far as it is read here."""

    def __init__(self, folder: Path):
        self._folder = folder

    def artifact(self, node: str, key: str) -> Path:
        return self._folder / key


def write_model(folder: Path, units: int) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "hour", "dtype": "int64"}},
        {"class_name": "Dense", "config": {"name": "hidden", "trainable": True, "units": units, "kernel": {"a": 1}}},
    ]
    (folder / "model_run").mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "model_run" / "trained.keras", "w") as stored:
        stored.writestr("config.json", json.dumps({"config": {"layers": layers}}))


def test_features_are_those_that_transform_writes(tmp_path: Path) -> None:
    folder = tmp_path / "transform_graph" / "transformed_metadata"
    folder.mkdir(parents=True)
    (folder / "schema.pbtxt").write_text(SCHEMA)
    assert read_features(Recorded(tmp_path)) == {"fare_per_mile": "FLOAT [1]", "hour": "INT [2]"}


def test_layers_are_told_apart_by_their_settings(tmp_path: Path) -> None:
    write_model(tmp_path, 16)
    before = read_layers(Recorded(tmp_path))
    write_model(tmp_path, 8)
    (change,) = compare_mappings(before, read_layers(Recorded(tmp_path)))
    assert (change.name, change.before, change.after) == ("hidden", "Dense units=16", "Dense units=8")


def test_what_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="schema of the transformed rows"):
        read_features(Recorded(tmp_path))
    (tmp_path / "model_run").mkdir()
    (tmp_path / "model_run" / "trained.keras").write_text("half")
    with pytest.raises(RunError, match="expected the Keras model that Trainer writes"):
        read_layers(Recorded(tmp_path))
