"""What is recorded of a run that was looked at, and which runs cannot be reviewed."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.review.review_file import ReviewError, locate_review_file, read_reviews
from pipelines.review.reviewing import make_review, read_git_user
from pipelines.review.state import VALID, read_review_state
from pipelines.runs import Run
from pipelines.task_definition.task import Task
from pipelines.task_definition.task_files import task_file_digests
from tests.pipelines.review.conftest import GATES, RUN
from tests.pipelines.review.small_task import NAME


def test_the_record_of_a_review(task: Task, new_run: Callable[..., Run]) -> None:
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    review = make_review(task, new_run(), "Ada", "Fine.")
    assert (review.reviewer, review.run, review.note) == ("Ada", RUN, "Fine.")
    assert review.metrics == {"auc": 0.958, "example_count": 4993.0}, "what is undefined is left out"
    assert review.task_files == task_file_digests(task)
    assert before <= datetime.datetime.fromisoformat(review.date) <= datetime.datetime.now(datetime.UTC)
    assert review.intact


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"gates": [{"gate": gate, "passed": gate != "Evaluator", "reasons": []} for gate in GATES]},
            f"the model of run {RUN} was not blessed: expected every gate to pass, received no pass by Evaluator; "
            "review a run that passed",
        ),
        (
            {
                "gates": [
                    {"gate": gate, "passed": True if gate == "AnomalyGate" else None, "reasons": []} for gate in GATES
                ]
            },
            f"the model of run {RUN} was not blessed: expected every gate to pass, received no pass by "
            "Evaluator, SkewGate; review a run that passed",
        ),
        (
            {"gates": []},
            f"the model of run {RUN} was not blessed: expected every gate to pass, received no pass by any gate; "
            "review a run that passed",
        ),
        (
            {"nodes": [{"id": "Tuner"}, {"id": "Trainer"}]},
            f"run {RUN} searched for its hyperparameters: expected a run that was trained with those of the task's "
            "folder; commit what the search proposes, run again, and review that run",
        ),
        (
            {"task_files": {}},
            f"run {RUN} does not say which code it was trained from: expected `task_files` in its summary.json, "
            "received none; run again, and review that run",
        ),
    ],
)
def test_a_run_that_cannot_be_reviewed(
    task: Task, new_run: Callable[..., Run], changed: dict[str, object], message: str
) -> None:
    run = new_run(**changed)
    with pytest.raises(ReviewError) as error:
        make_review(task, run, "Ada", "Fine.")
    assert str(error.value) == message


def test_a_run_of_other_code(task: Task, new_run: Callable[..., Run], package: Path) -> None:
    run = new_run()
    (package / "scoping.toml").write_text("[success]\n")
    (package / "layers.py").write_text("")
    with pytest.raises(ReviewError) as error:
        make_review(task, run, "Ada", "Fine.")
    assert str(error.value) == (
        f"scoping.toml changed; layers.py was added since run {RUN}: expected the code that it was trained from; "
        "run again (or name another run with --run, RUN_ID=), and review that"
    )


@pytest.fixture
def git_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Git's only configuration."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada Example\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    return config


def test_the_reviewer_is_whom_git_knows(git_knows: Path) -> None:
    assert read_git_user() == "Ada Example"


def test_git_knows_nobody(git_knows: Path) -> None:
    git_knows.write_text("")
    with pytest.raises(ReviewError) as error:
        read_git_user()
    assert str(error.value) == (
        "git has no user.name: expected the reviewer's name; give it with --reviewer (REVIEWER=)"
    )


def test_no_git(git_knows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReviewError, match="git has no user"):
        read_git_user()


def command(var: Path, *options: str) -> int:
    return execute(["review", "--task", NAME, "--var", str(var), *options])


def test_the_command_records_a_review_that_holds(
    task: Task, new_run: Callable[..., Run], tmp_path: Path, git_knows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_run()
    assert command(tmp_path / "var", "--note", " Looked at both slices. ") == 0
    (review,) = read_reviews(locate_review_file(task))
    assert (review.reviewer, review.note) == ("Ada Example", "Looked at both slices.")
    assert read_review_state(task).state == VALID
    assert capsys.readouterr().out == (
        "reviewed  run 20261121-120000 of ours, by Ada Example\n"
        "metrics   auc=0.958  example_count=4993\n"
        "files     5, as that run trained them: __init__.py, contract.pbtxt, preprocessing.py, scoping.toml, "
        "task.py\n"
        "recorded  task_of_a_test/ours/review.toml; commit it\n"
    )


def test_the_command_refuses_and_records_nothing(
    task: Task, new_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_run(task_files={})
    assert command(tmp_path / "var", "--reviewer", "Ada", "--note", "Fine.") == 1
    assert command(tmp_path / "var", "--reviewer", "Ada", "--note", "Fine.", "--run", "20261121-12000") == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("not recorded: run 20261121-120000 does not say which code it was trained from")
    assert said[1].startswith("not recorded: no run '20261121-12000' below ")
    assert not locate_review_file(task).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "error: say what you looked at, and what you think of it, with --note TEXT (make review NOTE='...')"),
        (["--note", " "], "error: --note: expected words, received none"),
        (["--note", "x", "--task", "tax"], "error: --task: unknown task 'tax': did you mean 'taxi'?"),
    ],
)
def test_bad_usage(options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["review", "--var", str(tmp_path), *options]) == 2
    assert message in capsys.readouterr().err
