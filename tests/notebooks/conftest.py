"""One taxi run serves all notebooks; each is executed once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.notebooks.executed import execute
from tests.runs.project import Finished, Project

SMALL_ROWS = 2000  # that the steps of notebook 5 are run on


@pytest.fixture(scope="session")
def executed(
    taxi: Project, cold_taxi: Finished, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, NotebookNode]:
    """Name of a notebook -> the notebook with its outputs. 04_inspect_run is not among them: see test_lab."""
    folder = tmp_path_factory.mktemp("notebooks")
    environment = {"VAR": "var", "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    small = {"DATA": str(_first_rows(taxi, folder)), "TRAIN_STEPS": "20"}

    def run(name: str) -> NotebookNode:
        return execute(taxi.root / "notebooks" / f"{name}.ipynb", **environment, **small)

    one, other = ("02_prototype", "03_compare"), ("05_step_through", "01_explore_data")
    with ThreadPoolExecutor(2) as workers:
        found = workers.map(lambda names: {name: run(name) for name in names}, (one, other))
        return {name: notebook for part in found for name, notebook in part.items()}


def _first_rows(taxi: Project, folder: Path) -> Path:
    (source,) = (taxi.var / "data" / "taxi").glob("*.csv")
    path = folder / "trips.csv"
    path.write_text("".join(source.read_text().splitlines(keepends=True)[: SMALL_ROWS + 1]))
    return path
