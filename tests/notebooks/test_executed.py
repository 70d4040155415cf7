"""What the notebooks show when they are run on a finished run."""

import ast
import base64
import re
import struct
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tests.notebooks.executed import NOTEBOOKS, code_cells, data, execute, outputs, shown
from tests.runs.project import Finished, Project

pytestmark = pytest.mark.pipeline

EVAL_ROWS = 4993
# Not text/html with scripts, no JavaScript, no widgets: what a notebook shows needs nothing but itself.
STATIC = {"text/plain", "text/html", "text/markdown", "image/png"}
PICTURES = {"01_explore_data": 4, "02_prototype": 2, "03_compare": 4, "05_step_through": 0}

Notebooks = Mapping[str, NotebookNode]


@pytest.mark.parametrize("name", PICTURES)
def test_every_cell_runs_and_says_nothing_but_its_result(executed: Notebooks, name: str) -> None:
    notebook = executed[name]
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    assert [output for output in outputs(notebook) if output.get("name") == "stderr"] == []


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_shown_is_static(executed: Notebooks, name: str) -> None:
    found = data(executed[name])
    assert {kind for one in found for kind in one} <= STATIC
    assert not [one for one in found if re.search(r"<script|https?://", one.get("text/html", ""))]


@pytest.mark.parametrize("name", PICTURES)
def test_plots_are_pictures_with_something_in_them(executed: Notebooks, name: str) -> None:
    pictures = [base64.b64decode(one["image/png"]) for one in data(executed[name]) if "image/png" in one]
    assert len(pictures) == PICTURES[name]
    for picture in pictures:
        width, height = struct.unpack(">II", picture[16:24])  # the PNG's header
        assert 400 < width < 2400
        assert 200 < height < 2400
        assert len(picture) > 8000  # axes alone compress to less


def test_data_is_explored(executed: Notebooks) -> None:
    text = shown(executed["01_explore_data"])
    assert re.search(r"^pickup_census_tract \| INT \| 10008 \| 0\.9999 \|", text, re.MULTILINE)
    assert "payment_type | BYTES | 100% of rows or more | 7 known | infinity norm 0.16 | sent\n" in text
    assert "tips | FLOAT | 100% of rows or more | 0 to 500 |  | absent\n" in text
    # The contract's threshold, by its own measure, in the thinnest quarter.
    assert re.search(r" \| 2016Q4 \| company \| infinity norm \| 0\.26\d* \| 0\.2$", text, re.MULTILINE)


def test_prototypes_are_good_and_kept(executed: Notebooks, taxi: Project) -> None:
    metrics = shown(executed["02_prototype"])
    row = re.search(r"^auc \| (.+)$", metrics, re.MULTILINE)
    assert row
    production, trees, network = (float(value) for value in re.findall(r"(0\.\d+) \(", row[1]))
    assert production > 0.95
    assert 0.945 < trees < 0.965
    assert 0.945 < network < 0.965
    kept = sorted((taxi.var / "prototypes" / "taxi").iterdir())
    assert [path.name for path in kept] == ["network.parquet", "trees.parquet"]
    assert {pq.read_table(path).num_rows for path in kept} == {EVAL_ROWS}


def test_the_comparison_ends_with_a_verdict(executed: Notebooks) -> None:
    verdict = data(executed["03_compare"])[-1]["text/markdown"]
    assert verdict.startswith("**")
    assert "trees against production, on the same 4,993 eval rows (95% intervals, paired):" in verdict
    parts = ("- better: ", "- worse: ", "- no clear difference: ", "- agreed thresholds: ", "- slices in which it is")
    for part in parts:
        assert part in verdict
    assert "['network', 'trees']" in shown(executed["03_compare"])  # those that notebook 2 kept


def test_the_steps_are_the_pipelines(executed: Notebooks, cold_taxi: Finished) -> None:
    notebook = executed["05_step_through"]
    listed, *_ = (one["text/plain"] for one in data(notebook))
    assert set(ast.literal_eval(listed)) == set(cold_taxi.states)
    run = {name for cell in code_cells(notebook) for name in re.findall(r'steps\.run\("(\w+)"\)', cell.source)}
    assert run == set(cold_taxi.states)
    assert "{'blessed': True, 'rows': 4993, 'differences': 0, 'reasons': []}" in shown(notebook)


def test_what_is_trained_on_few_steps_is_refused_and_pushed_nowhere(
    executed: Notebooks, step_through_var: Path
) -> None:
    text = shown(executed["05_step_through"])
    assert "not blessed" in text
    assert "{'pushed': 0, " in text
    assert {path.name for path in step_through_var.iterdir()} == {"step_through"}  # no run, nothing that is served
    assert not (step_through_var / "step_through" / "serving").exists()


def test_without_a_run_it_says_what_to_do_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError) as raised:
        execute(NOTEBOOKS[0], VAR=str(tmp_path), IPYTHONDIR=str(tmp_path / "ipython"))
    assert raised.value.ename == "NoRunError"
    line = f"No run of task taxi below {tmp_path} has a model yet: run `make run-local TASK=taxi`, then this notebook."
    assert raised.value.traceback.splitlines()[-1] == line
    assert "Traceback" not in raised.value.traceback
