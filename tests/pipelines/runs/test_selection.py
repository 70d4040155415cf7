"""Choosing and sorting runs, in Python and on the shell."""

from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.runs import Runs
from pipelines.runs.selection import ConditionError, parse_condition, select_runs, sort_runs
from tests.pipelines.runs.made_leaderboard import FIRST, KILLED, REFUSED, TRIED, edit, write_runs


@pytest.fixture
def var(tmp_path: Path) -> Path:
    write_runs(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "listed"),
    [
        ([], [FIRST, REFUSED, TRIED, KILLED]),
        (["--where", "auc > 0.93"], [FIRST, TRIED]),
        (["--where", "auc>=0.93", "--where", "auc < 0.96"], [FIRST, REFUSED]),
        (["--where", "rows > 20000"], [REFUSED]),
        (["--status", "refused"], [REFUSED]),
        (["--status", "unfinished"], [KILLED]),
        (["--experiment", "night"], [TRIED]),
        (["--tag", "x"], [TRIED]),
        (["--pushed"], [FIRST]),
        (["--task", "taxi", "--last", "2"], [REFUSED, TRIED]),
        (["--sort", "auc"], [KILLED, REFUSED, FIRST, TRIED]),  # the best last
        (["--sort", "auc", "--last", "3", "--task", "taxi"], [REFUSED, FIRST, TRIED]),
    ],
)
def test_the_list(var: Path, options: list[str], listed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["runs", "list", "--var", str(var), *options]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == listed


def test_of_an_error_the_smallest_is_the_best(var: Path) -> None:
    for run, loss in ((FIRST, 0.2), (REFUSED, 0.3), (TRIED, 0.1)):
        edit(var, run, metrics={"overall": {"binary_crossentropy": loss}})
    assert [run.id for run in sort_runs(Runs(var).list("taxi"), "binary_crossentropy")] == [REFUSED, FIRST, TRIED]


def test_what_is_asked_for_is_shown(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(var, FIRST, metrics={"overall": {"a": 1.5, "b": 2.5, "auc": 0.75}})
    execute(["runs", "list", "--var", str(var), "--where", "auc < 0.8"])
    assert "auc 0.75  a 1.5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--where", "auc 0.9"], 2, "expected a metric, one of >=, <=, >, <, =, and a number"),
        (["--where", "auc > high"], 2, "such as 'auc > 0.95'; received 'auc > high'"),
        (["--where", "acu > 0.9"], 2, "no run has 'acu': did you mean auc?"),
        (["--sort", "zzz"], 2, "no run has 'zzz': expected one of auc, example_count, started, seconds, rows"),
        (["--status", "pusht"], 2, "pusht"),
        (["--tag", "nothing"], 1, "none of the 4 runs meets every option"),
    ],
)
def test_what_cannot_be_shown(
    var: Path, options: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["runs", "list", "--var", str(var), *options]) == status
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_metric_that_is_undefined_meets_no_bound(var: Path) -> None:
    edit(var, FIRST, metrics={"overall": {"auc": None}})
    found = select_runs(Runs(var).list("taxi"), conditions=[parse_condition("auc <= 1")])
    assert [run.id for run in found] == [REFUSED, TRIED]


def test_runs_without_a_value_are_not_among_the_best(var: Path) -> None:
    edit(var, REFUSED, metrics={"overall": {"auc": float("nan")}})
    edit(var, TRIED, metrics={})
    assert [run.id for run in sort_runs(Runs(var).list("taxi"), "auc")] == [REFUSED, TRIED, FIRST]


@pytest.mark.parametrize("text", ["", "auc", "> 1", "auc > nan", "auc > 1 2"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_condition(text)
