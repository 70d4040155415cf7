"""All five notebooks on a task of several classes, where nothing is missing, and on one with a number to predict.

test_executed and test_lab have them on a task of two classes.
"""

import re
from collections.abc import Mapping

import pytest
from nbformat import NotebookNode

from tests.notebooks.executed import NOTEBOOKS, data, execute_together, outputs, shown
from tests.runs.in_process import run_here

pytestmark = pytest.mark.pipeline

IRIS, DIABETES = "tests.tasks.iris", "tests.tasks.diabetes"
EVAL_ROWS = {IRIS: 61, DIABETES: 152}

Notebooks = Mapping[str, NotebookNode]


@pytest.fixture(scope="module", params=[IRIS, DIABETES])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def executed(task: str, tmp_path_factory: pytest.TempPathFactory) -> Notebooks:
    """The notebooks after one run of the task, with their outputs."""
    folder = tmp_path_factory.mktemp("notebooks")
    run = run_here(folder / "var", "--train-steps", "60", task=task)
    assert run.status == 0, run.told()
    own = {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    return execute_together(NOTEBOOKS, VAR=str(folder / "var"), TASK=task, TRAIN_STEPS="1", **own)


def test_every_cell_runs_and_says_nothing_but_its_result(executed: Notebooks) -> None:
    for name, notebook in executed.items():
        assert [output for output in outputs(notebook) if output.get("name") == "stderr"] == [], name
        assert any("image/png" in one for one in data(notebook)) or name == "05_step_through"


def test_tables_fit_the_page(executed: Notebooks) -> None:
    tables = [one["text/html"] for one in data(executed["05_step_through"]) if "<table" in one.get("text/html", "")]
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
    assert f"trees against production, on the same {EVAL_ROWS[task]} evaluation rows" in verdict


def test_a_run_is_inspected_and_the_pipeline_stepped_through(executed: Notebooks, task: str) -> None:
    assert f"0 differences in {EVAL_ROWS[task]} rows" in shown(executed["04_inspect_run"])
    assert f"'rows': {EVAL_ROWS[task]}, 'differences': 0, 'reasons': []" in shown(executed["05_step_through"])
