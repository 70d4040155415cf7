"""What tests of several folders share."""

import gc
from pathlib import Path

import pytest

from pipelines.modeling.export import export_model
from tests import handmade
from tests.runs.project import Finished, Project

gc.disable()  # until the tests are collected: serving/process_control.py says why
pytest_plugins = ["tests.browser"]  # the fixture `tab`, a page in headless Chromium


def pytest_collection_finish() -> None:
    """From here on the garbage collector works again, on what the tests themselves make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def handmade_transform(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Folder of the transform graph of the hand-made trips, and the file of the transformed trips."""
    return handmade.transform(tmp_path_factory.mktemp("transform"), handmade.Features())


@pytest.fixture(scope="session")
def handmade_export(handmade_transform: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SavedModel of the hand-made trips, its ModelRun beside it in `run`; not to be changed."""
    args = handmade.fn_args(tmp_path_factory.mktemp("export"), handmade_transform[0])
    export_model(handmade.build_model(), args)
    return Path(args.serving_model_dir)


@pytest.fixture(scope="session")
def taxi(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of this project in which the taxi task is run."""
    return Project.copy(tmp_path_factory.mktemp("taxi") / "project")


@pytest.fixture(scope="session")
def cold_taxi(taxi: Project) -> Finished:
    """The first run of the taxi task in `taxi`, as README.md shows it."""
    run = taxi.run(task="taxi")
    assert run.status == 0, run.told()
    return run
