"""One taxi run serves the notebooks that look at a run; each is executed once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.notebooks.executed import execute
from tests.runs.project import Finished, Project


@pytest.fixture(scope="session")
def step_through_var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where notebook 5 steps through the pipeline; it needs no run."""
    return tmp_path_factory.mktemp("stepped")


@pytest.fixture(scope="session")
def executed(
    taxi: Project, cold_taxi: Finished, step_through_var: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, NotebookNode]:
    """Name of a notebook -> the notebook with its outputs. 04_inspect_run is not among them: see test_lab."""
    folder = tmp_path_factory.mktemp("notebooks")
    stepped = {"TRAIN_STEPS": "1", "VAR": str(step_through_var)}
    environment = {"VAR": "var", "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}

    def run(name: str) -> NotebookNode:
        more = stepped if name == "05_step_through" else {}
        return execute(taxi.root / "notebooks" / f"{name}.ipynb", **(environment | more))

    one, other = ("02_prototype", "03_compare"), ("05_step_through", "01_explore_data")
    with ThreadPoolExecutor(2) as workers:
        found = workers.map(lambda names: {name: run(name) for name in names}, (one, other))
        return {name: notebook for part in found for name, notebook in part.items()}
