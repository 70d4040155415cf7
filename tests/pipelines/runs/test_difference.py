"""What changed between two runs, and what of it the terminal shows."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from pipelines.cli.app import execute
from pipelines.runner.results import NodeResult
from pipelines.runs import RunError, Runs
from pipelines.runs.difference import Change, RunDifference, compare_mappings, compare_runs
from tests.pipelines.runs.made_history import MadeHistory
from tests.pipelines.runs.made_runs import ran, summary, write, written

BEFORE, AFTER, OTHER_TASK, EARLY = "20261121-01", "20261121-02", "20261121-03", "20261121-04"
FILES = {"model.py": "a" * 64, "trainer.py": "b" * 64, "gone.py": "c" * 64}


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """BEFORE and AFTER differ in everything; EARLY failed before its first node."""
    before = summary(BEFORE, _statistics(tmp_path / "1", [1.0, 2.0, None], ["x", "x", "y"]))
    after = summary(AFTER, _statistics(tmp_path / "2", [1.0, 5.0, 6.0], ["x", "x", "y"]), status="refused")
    after.metrics = {"overall": {"auc": 0.97, "example_count": 4993.0}, "pay = Card": {"auc": 0.5}}
    after.rows, after.source_digest = {"train": 20, "eval": 4_993}, "d1"
    write(tmp_path, before, after, summary(OTHER_TASK, task="diabetes"), summary(EARLY, status="failed"))
    _edit(tmp_path, BEFORE, task_files=FILES, stack={"python": "3.11"})
    _edit(
        tmp_path,
        AFTER,
        task_files={"model.py": "a" * 64, "trainer.py": "d" * 64, "new.py": "e" * 64},
        stack={"python": "3.13"},
    )
    _edit(tmp_path, EARLY, metrics={}, rows={}, gates=[])
    made = MadeHistory(tmp_path)
    for run, steps, digest in ((BEFORE, 1000, "aa"), (AFTER, 300, "bb")):
        config = {"code_digest": digest, "settings": {"train_steps": steps, "warm_start": False}}
        made.ran(run, "Trainer", told={"custom_config": json.dumps(config)})
    return tmp_path


def _statistics(folder: Path, miles: list[float | None], pay: list[str]) -> NodeResult:
    (folder / "Split-train").mkdir(parents=True)
    found = tfdv.generate_statistics_from_dataframe(pd.DataFrame({"miles": miles, "pay": pay}))
    (folder / "Split-train" / "FeatureStats.pb").write_bytes(found.SerializeToString())
    return ran("StatisticsGen", written("statistics", folder))


def _edit(var: Path, run: str, **fields: object) -> None:
    path = var / "runs" / run / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def compare(var: Path, before: str, after: str) -> RunDifference:
    return compare_runs(Runs(var).open(before), Runs(var).open(after))


def test_changes() -> None:
    assert compare_mappings({"a": 1, "b": 2, "c": [3]}, {"d": 4, "b": 5, "a": 1, "c": [3]}) == (
        Change(name="b", before=2, after=5),
        Change(name="d", before=None, after=4),
    )


def test_data(var: Path) -> None:
    found = compare(var, BEFORE, AFTER)
    assert found.data == (Change(name="rows of train", before=10_009, after=20),)
    assert found.statistics is not None
    figures = {(row.feature, row.figure): (row.before, row.after) for row in found.statistics.itertuples()}
    assert figures == {
        ("miles", "missing_share"): (pytest.approx(1 / 3), 0.0),
        ("miles", "mean"): (1.5, 4.0),
        ("miles", "std_dev"): (0.5, pytest.approx(np.std([1.0, 5.0, 6.0]))),
        ("miles", "median"): (pytest.approx(figures["miles", "median"][0]), 5.0),
        ("miles", "max"): (2.0, 6.0),
    }


def test_code_by_task_file_and_by_node(var: Path) -> None:
    found = compare(var, BEFORE, AFTER)
    assert found.files == (
        Change(name="trainer.py", before="b" * 64, after="d" * 64),
        Change(name="gone.py", before="c" * 64, after=None),
        Change(name="new.py", before=None, after="e" * 64),
    )
    assert found.code == (
        Change(name="task and components", before="d0", after="d1"),
        Change(name="Trainer", before="aa", after="bb"),
    )


def test_without_recorded_files_the_digests_are_compared(var: Path) -> None:
    _edit(var, BEFORE, task_files={})
    found = compare(var, BEFORE, AFTER)
    assert found.files is None
    assert [change.name for change in found.code] == ["task and components", "Trainer"]


def test_parameters_stack_and_gates(var: Path) -> None:
    _edit(var, AFTER, gates=[{"gate": "Evaluator", "passed": False, "reasons": []}])
    found = compare(var, BEFORE, AFTER)
    assert found.parameters == (Change(name="Trainer.custom_config.settings.train_steps", before=1000, after=300),)
    assert found.stack == (Change(name="python", before="3.11", after="3.13"),)
    assert found.gates == (Change(name="Evaluator", before=True, after=False),)


def test_metrics(var: Path) -> None:
    found = compare(var, BEFORE, AFTER).metrics.set_index(["slice", "metric"])
    assert found.loc["overall", "auc"].tolist() == [0.95, 0.97, pytest.approx(0.02)]
    assert found.loc["overall", "example_count"]["difference"] == 0
    assert found.loc["pay = Card", "auc"].isna().tolist() == [True, False, True]
    assert found.loc["pay = Cash", "example_count"].isna().tolist() == [False, True, True]


def test_a_run_against_itself(var: Path) -> None:
    assert compare(var, BEFORE, BEFORE).empty
    assert not compare(var, BEFORE, AFTER).empty


def test_a_run_that_ended_early_is_compared_as_far_as_it_got(var: Path) -> None:
    found = compare(var, EARLY, AFTER)
    assert found.nodes == (Change(name="Trainer", before=None, after=True),)
    assert found.code == (Change(name="task and components", before="d0", after="d1"),)
    assert found.parameters == ()
    assert found.statistics is None
    assert found.metrics["before"].isna().all()
    assert not found.empty


def test_runs_of_different_tasks(var: Path) -> None:
    with pytest.raises(
        RunError, match=rf"^runs of different tasks cannot be compared: {BEFORE} is of taxi, {OTHER_TASK} "
    ):
        compare(var, BEFORE, OTHER_TASK)


def test_diff_on_the_shell(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["runs", "diff", BEFORE, AFTER, "--var", str(var), "--most", "2"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"taxi {BEFORE} → {AFTER}"
    for line in (
        "rows of train 10009 20",
        "train: missing_share of miles 0.3333 0",
        "… and 3 smaller ones; --most shows more",
        "trainer.py bbbbbbbbbbbb dddddddddddd",
        "gone.py cccccccccccc –",
        "new.py – eeeeeeeeeeee",
        "Trainer aa bb",
        "Trainer.custom_config.settings.train_steps 1000 300",
        "hyperparameters the same",
        "python 3.11 3.13",
        "overall auc 0.95 0.97 +0.0200",
        "pay = Card auc – 0.5 –",
    ):
        assert line in lines, line


def test_list_and_show_on_the_shell(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["runs", "list", "--var", str(var), "--task", "taxi"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        f"{BEFORE} taxi pushed 2026-11-21 09:23:01 61 s 15,002 auc 0.95 example_count 4,993 1795253025",
        f"{AFTER} taxi refused 2026-11-21 09:23:01 61 s 5,013 auc 0.97 example_count 4,993 –",
        f"{EARLY} taxi failed 2026-11-21 09:23:01 61 s – – –",
    ]
    assert execute(["runs", "list", "--var", str(var), "--last", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert execute(["runs", "show", BEFORE, "--var", str(var)]) == 0
    shown = capsys.readouterr().out
    assert "auc on overall is 0.9500: at least 0.94" in shown
    assert "train_steps=1000" in shown
    assert execute(["runs", "show", EARLY, "--var", str(var)]) == 0
    assert "Trainer: it broke" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["show", "zzz"], 1, "error: no run 'zzz' below "),
        (["show", "1795253025"], 1, "error: no run pushed version 1795253025: none was ever pushed"),
        (["lineage", "--data", "/nothing"], 1, "error: no run read /nothing: what was read: nothing yet"),
        (["list", "--task", "iris"], 1, "error: no runs below "),
    ],
)
def test_what_cannot_be_shown(
    var: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str
) -> None:
    assert execute(["runs", *arguments, "--var", str(var)]) == status
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize("arguments", [[], ["diff", "a"], ["list", "--last", "0"], ["lineage", "a", "--span", "1"]])
def test_bad_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["runs", *arguments]) == 2
    said = capsys.readouterr()
    assert "python -m pipelines runs" in said.out + said.err


@pytest.mark.slow
def test_a_record_is_shown_without_tensorflow(var: Path) -> None:
    program = (
        "import sys; from pipelines.cli.app import execute;"
        f"statuses = [execute(['runs', *command.split(), '--var', {str(var)!r}]) for command in"
        f" ('list', 'show {BEFORE}', 'diff {BEFORE} {AFTER}', 'lineage {BEFORE}')];"
        "print(statuses, sorted({'tensorflow', 'tfx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[0, 0, 0, 0] []"
