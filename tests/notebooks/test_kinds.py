"""The notebooks on a task of several classes, where nothing is missing, and on one with a number to predict.

test_executed and test_lab have all five on a task of two classes. What notebook 5 shows depends on the kind of task
in no cell, so that it steps through one of the two.
"""

import re
from collections.abc import Mapping

import pytest
from nbformat import NotebookNode

from tests.notebooks.executed import NOTEBOOKS, data, execute_together, outputs, shown
from tests.runs.in_process import run_here

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

IRIS, DIABETES = "tests.tasks.iris", "tests.tasks.diabetes"
EVAL_ROWS = {IRIS: 61, DIABETES: 152}
TRAIN_STEPS = "60"

Notebooks = Mapping[str, NotebookNode]


@pytest.fixture(scope="module")
def all_executed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Notebooks]:
    """Task -> its notebooks after one run of it, with their outputs."""
    folder = tmp_path_factory.mktemp("notebooks")
    for task in (IRIS, DIABETES):
        run = run_here(folder / "var", "--train-steps", TRAIN_STEPS, task=task)
        assert run.status == 0, run.told()
    own = {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    notebooks = {IRIS: NOTEBOOKS, DIABETES: NOTEBOOKS[:4]}
    return execute_together(notebooks, VAR=str(folder / "var"), TRAIN_STEPS="1", **own)


@pytest.fixture(params=[IRIS, DIABETES])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def executed(all_executed: Mapping[str, Notebooks], task: str) -> Notebooks:
    return all_executed[task]


def test_every_cell_runs_and_says_nothing_but_its_result(executed: Notebooks) -> None:
    for name, notebook in executed.items():
        assert [output for output in outputs(notebook) if output.get("name") == "stderr"] == [], name
        assert any("image/png" in one for one in data(notebook)) or name == "05_step_through"


def test_tables_fit_the_page(all_executed: Mapping[str, Notebooks]) -> None:
    shown_last = data(all_executed[IRIS]["05_step_through"])
    tables = [one["text/html"] for one in shown_last if "<table" in one.get("text/html", "")]
    assert len(tables) >= 4
    for table in tables:
        assert len(re.findall("<th[ >]", table.partition("</thead>")[0])) <= 11


def test_data_is_explored(executed: Notebooks, task: str) -> None:
    text = shown(executed["01_explore_data"])
    assert "Nothing to compare: the contract names no time column" in text
    assert ("No value is missing." in text) == (task == IRIS)
    assert ("mean target" in text) == (task == DIABETES)


def test_prototypes_are_compared_with_the_model(executed: Notebooks, task: str) -> None:
    metric = {IRIS: "sparse_categorical_accuracy", DIABETES: "root_mean_squared_error"}[task]
    row = re.search(rf"^{metric} \| (.+)$", shown(executed["02_prototype"]), re.MULTILINE)
    assert row
    _, trees, network = (float(value) for value in re.findall(r"([\d.]+) \(", row[1]))
    if task == IRIS:
        assert min(trees, network) > 0.6
    else:
        assert max(trees, network) < 77  # the standard deviation of the label
    verdict = data(executed["03_compare"])[-1]["text/markdown"]
    assert f"trees against production, on the same {EVAL_ROWS[task]} eval rows" in verdict


def test_a_run_is_inspected(executed: Notebooks, task: str) -> None:
    assert f"0 differences in {EVAL_ROWS[task]} rows" in shown(executed["04_inspect_run"])


def test_the_pipeline_is_stepped_through(all_executed: Mapping[str, Notebooks]) -> None:
    said = shown(all_executed[IRIS]["05_step_through"])
    assert f"'rows': {EVAL_ROWS[IRIS]}, 'differences': 0, 'reasons': []" in said
