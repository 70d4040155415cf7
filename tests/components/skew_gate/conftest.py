"""What an honest run leaves, made once."""

import dataclasses
from pathlib import Path

import keras
import pytest

from components.signatures import TRAINED_MODEL_FILE
from tests import handmade
from tests.components.skew_gate.world import ExportedHere, World, batch_path_of


@pytest.fixture(scope="session")
def honest(
    handmade_transform: tuple[str, str], handmade_export: Path, tmp_path_factory: pytest.TempPathFactory
) -> World:
    directory = tmp_path_factory.mktemp("honest")
    graph, transformed = handmade_transform
    trained = keras.saving.load_model(handmade_export.parent / "run" / TRAINED_MODEL_FILE)
    raw = handmade.write_records(directory / "raw-00000-of-00001.gz", map(handmade.to_example, handmade.ROWS))
    return World(
        directory=directory,
        raw=raw,
        transformed=transformed,
        graph=graph,
        trained=trained,
        model_dir=str(handmade_export),
        batch_path=batch_path_of(transformed, trained),
        exported=ExportedHere(str(handmade_export), [raw]),
    )


@pytest.fixture
def world(honest: World, tmp_path: Path) -> World:
    return dataclasses.replace(honest, directory=tmp_path)
