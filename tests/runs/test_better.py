"""What becomes of a model that is better, worse or no different than the one pushed before; and of experiments."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.runs import Runs
from pipelines.task_definition.scoping import Comparison
from tests.runs.in_process import run_here
from tests.runs.project import SOURCE, Finished
from tests.tasks.diabetes import task

pytestmark = pytest.mark.pipeline

AGREED = Comparison(metric="MeanSquaredError", not_worse_than=150, not_worse_than_best=300, reason="noise")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Story:
    """Runs one after the other in one folder. More steps make this model better, up to about 90."""

    var: Path
    first: Finished
    better: Finished
    tie: Finished
    pushed_tie: Finished
    again: Finished  # without --push-ties
    tried: Finished  # an experiment with a model that is worse
    worse: Finished  # back to the first model


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    var = tmp_path_factory.mktemp("better")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "TASK", dataclasses.replace(task.TASK, comparison=AGREED))
        yield Story(
            var=var,
            first=run_here(var, "--train-steps", "24"),
            better=run_here(var, "--train-steps", "120"),
            tie=run_here(var, "--train-steps", "90"),
            pushed_tie=run_here(var, "--train-steps", "90", "--push-ties"),
            again=run_here(var, "--train-steps", "90"),
            tried=run_here(var, "--train-steps", "32", "--experiment", "short", "--note", "fewer steps", "--tag", "a"),
            worse=run_here(var, "--train-steps", "24"),
        )


def test_the_first_model_is_pushed(story: Story) -> None:
    assert (story.first.status, story.first.summary["status"]) == (0, "pushed"), story.first.told()
    assert story.first.summary["comparison"]["outcome"] == "first"
    assert story.first.summary["not_pushed"] is None


def test_a_better_model_is_pushed(story: Story) -> None:
    run = story.better
    assert (run.status, run.summary["status"]) == (0, "pushed"), run.told()
    deciding = run.summary["comparison"]["differences"][0]
    assert deciding["version"] == story.first.summary["pushed"]["version"]
    assert deciding["value"] < deciding["high"] < 0


def test_a_tie_is_not_pushed_and_is_no_fault(story: Story) -> None:
    run = story.tie
    assert (run.status, run.summary["status"]) == (0, "tie"), run.told()
    before = story.better.summary["pushed"]["version"]
    assert run.summary["not_pushed"].startswith(f"not distinguishable from {before}: mean_squared_error ")
    assert run.summary["pushed"] is None


def test_a_tie_is_pushed_when_asked_and_nothing_else_runs(story: Story) -> None:
    run = story.pushed_tie
    assert (run.status, run.summary["status"], run.ran) == (0, "pushed", {"Pusher"}), run.told()
    assert (story.again.status, story.again.summary["status"]) == (0, "unchanged"), story.again.told()
    assert story.again.summary["pushed"]["version"] == run.summary["pushed"]["version"]


def test_an_experiment_pushes_nothing_and_ends_well(story: Story) -> None:
    assert (story.tried.status, story.tried.summary["status"]) == (0, "experiment"), story.tried.told()
    assert "Pusher" not in story.tried.states
    said = {"name": "short", "note": "fewer steps", "tags": ["a"], "seeds": []}
    assert story.tried.summary["experiment"] == said
    assert "not pushed   experiment short" in story.tried.terminal


def test_a_worse_model_is_refused_and_the_experiment_was_no_yardstick(story: Story) -> None:
    run = story.worse
    assert (run.status, run.summary["status"]) == (1, "refused"), run.told()
    before = story.pushed_tie.summary["pushed"]["version"]
    assert f"BetterGate: worse than {before}: mean_squared_error +" in run.summary["not_pushed"]
    assert run.summary["comparison"]["differences"][0]["version"] == before
    pushed = (story.first, story.better, story.pushed_tie)
    found = {path.name for path in (story.var / "serving" / "diabetes").iterdir()}
    assert found == {one.summary["pushed"]["version"] for one in pushed}


def test_diff_and_compare_give_the_gates_numbers(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    (before, after) = (run.summary["pushed"]["version"] for run in (story.first, story.better))
    deciding = story.better.summary["comparison"]["differences"][0]
    shown = " ".join(f"{deciding[name]:+.4f}" for name in ("value", "low", "high"))
    assert execute(["runs", "compare", before, after, "--var", str(story.var)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"overall mean_squared_error 152 {shown} better" in said
    assert execute(["runs", "diff", before, after, "--var", str(story.var)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["overall", "mean_squared_error", shown.split()[0]] in [[*line[:2], line[-1]] for line in lines if line]


def test_what_the_record_says_of_both_is_documented(story: Story) -> None:
    documented = re.findall(
        r"^\| `((?:experiment|comparison)\..+?)` \|", (SOURCE / "docs/reference/summary.md").read_text(), re.M
    )
    record = story.tried.summary
    comparison = {f"comparison.{name}" for name in record["comparison"]}
    differences = {f"comparison.differences[].{name}" for name in record["comparison"]["differences"][0]}
    documented = [field for field in documented if not field.startswith("experiment.seeds[]")]
    assert {*documented} == {f"experiment.{name}" for name in record["experiment"]} | comparison | differences


def test_notes_and_tags_are_listed(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    name = story.tried.summary["run_id"]
    where = ["--var", str(story.var)]
    assert execute(["runs", "note", name, "too short", *where]) == execute(["runs", "tag", name, "b", *where]) == 0
    capsys.readouterr()
    run = Runs(story.var).open(name)
    assert (run.experiment, run.note, run.tags) == ("short", "too short", ("a", "b"))
    assert execute(["runs", "list", *where]) == 0
    assert "short  too short  #a #b" in capsys.readouterr().out
