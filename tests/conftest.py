"""What tests of several folders share.

TensorFlow is imported by the fixtures that need it: the process that only hands tests to workers loads this file, too.
"""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from serving.process_control import gc_paused_imports
from tests.runs.project import Finished, Project

pytest_plugins = [
    "tests.browser",  # the fixture `tab`, a page in headless Chromium
    "tests.workers",  # which worker runs which tests
]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects, which imports TensorFlow and TFX, without the garbage collector."""
    with gc_paused_imports():
        return (yield)


@pytest.fixture(scope="session")
def handmade_transform(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Folder of the transform graph of the hand-made trips, and the file of the transformed trips."""
    from tests import handmade

    return handmade.transform(tmp_path_factory.mktemp("transform"), handmade.Features())


@pytest.fixture(scope="session")
def handmade_export(handmade_transform: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SavedModel of the hand-made trips, its ModelRun beside it in `run`; not to be changed."""
    from pipelines.modeling.export import export_model
    from tests import handmade

    args = handmade.fn_args(tmp_path_factory.mktemp("export"), handmade_transform[0])
    export_model(handmade.build_model(), args)
    return Path(args.serving_model_dir)


@pytest.fixture
def ram(tmp_path: Path) -> Iterator[str]:
    """An empty folder that is on no disk: a URI, which TFX, TensorFlow and Beam take."""
    from tests import ram_file_system

    with ram_file_system.enter(tmp_path / "working") as folder:
        yield folder


@pytest.fixture(scope="session")
def taxi(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of this project in which the taxi task is run; to be left as it is found: see `spare_taxi`."""
    return Project.copy(tmp_path_factory.mktemp("taxi") / "project")


@pytest.fixture(scope="session")
def cold_taxi(taxi: Project) -> Finished:
    """The first run in `taxi`, by README.md's command."""
    run = taxi.make("run-local")
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


# What addopts leave out. Another `-m` takes the place of theirs: those of `make test-fast` and of CI on the other stack
# must not bring back what needs a program that a machine may lack.
_ASKED_FOR = frozenset({"engine", "haproxy", "images", "mariadb", "orchestrator", "prometheus", "redis", "replay"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Holds that tests which run only where they are asked for are left out by every other `-m` as well."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if marks & _ASKED_FOR and not ("one_stack" in marks and marks & {"slow", "pipeline"}):
            raise pytest.UsageError(
                f"{item.nodeid} is marked {', '.join(sorted(marks & _ASKED_FOR))}: expected one_stack, and slow or "
                "pipeline, beside it; else `make test-fast` or CI's other stack runs it. Add the marks."
            )
