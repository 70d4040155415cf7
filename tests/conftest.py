"""What tests of several folders share."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.modeling.export import export_model
from tests import handmade
from tests.runs.project import Finished, Project

gc.disable()  # until the tests are collected: serving/importing.py says why
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


# What costs most is made once: by the one worker that gets all tests which use it.
_SHARED = {"cold_taxi": "taxi", "history": "diabetes", "copied": "edits"}  # fixture -> group


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps tests that use a shared run together, where pytest-xdist deals them out to several workers."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in _SHARED:
                item.add_marker(pytest.mark.xdist_group(_SHARED[fixture]))


@pytest.fixture(scope="session")
def taxi(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of this project in which the taxi task is run; to be left as it is found: see `spare_taxi`."""
    return Project.copy(tmp_path_factory.mktemp("taxi") / "project")


@pytest.fixture(scope="session")
def cold_taxi(taxi: Project) -> Finished:
    """The first run of the taxi task in `taxi`, as README.md shows it."""
    run = taxi.run(task="taxi")
    assert run.status == 0, run.told()
    return run


@pytest.fixture(scope="session")
def _saved_taxi(taxi: Project, cold_taxi: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    saved = tmp_path_factory.mktemp("taxi") / "saved"
    taxi.save(saved)
    return saved


@pytest.fixture
def spare_taxi(taxi: Project, _saved_taxi: Path) -> Iterator[Project]:
    """`taxi` after its first run, for tests that edit or run it: put back as it was."""
    yield taxi
    taxi.restore(_saved_taxi)
