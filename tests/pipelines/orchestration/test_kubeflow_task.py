"""A container task's command: parameters become options, and a job becomes a run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli.app import app
from pipelines.options import RunOptions
from pipelines.orchestration.kubeflow import job_runs
from pipelines.orchestration.kubeflow.job_runs import JobError, find_run
from pipelines.orchestration.kubeflow.parameters import FIXED, ParameterError, all_parameters, choose_defaults
from pipelines.orchestration.kubeflow.task import main, read_words, write_words
from pipelines.orchestration.options import NOT_OF_THE_RUN, NodeOptions, as_arguments
from tests.pipelines.orchestration.kubeflow_graph import VAR, graph

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{10}")


def test_what_was_not_given_is_left_out() -> None:
    words = ["--task=own.trips", "--data=", "--var=/mnt/v", "--train-steps=0", "--force=false", "--distribute=auto"]
    words += ["--evaluate-on=", "--tag="]
    assert write_words(read_words(words)) == ["--task=own.trips", "--var=/mnt/v"]


@pytest.mark.parametrize(
    ("word", "becomes"),
    [
        ("--train-steps=30", ["--train-steps=30"]),
        ("--train-steps=30.0", ["--train-steps=30"]),  # JSON's numbers are doubles.
        ("--job-minutes=90", ["--job-minutes=90.0"]),
        ("--push-ties=true", ["--push-ties"]),
        ("--push-ties=True", ["--push-ties"]),
        ("--note=-x = 'y'", ["--note=-x = 'y'"]),
        ("--tag=a 'b c'", ["--tag=a", "--tag=b c"]),
        ("--tune=True", ["--tune"]),
    ],
)
def test_a_value_becomes_an_option(word: str, becomes: list[str]) -> None:
    assert write_words(read_words([word])) == becomes


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--train-steps=many", r"--train-steps: expected a value of type int, received 'many'"),
        ("--train-steps=1.5", r"--train-steps: expected a value of type int, received '1.5'"),
        ("--train-steps=inf", r"--train-steps: expected a value of type int, received 'inf'"),
        ("--tag=a 'b", r"--tag: expected words, each quote closed, received \"a 'b\""),
        ("--force=yes", r"--force: expected a value of type bool, received 'yes'"),
        ("--data={{$.inputs.parameters['data']}}", r"received the placeholder \{\{\$.* has not resolved"),
        ("--colour=red", r"--colour: expected an option of a run, .*compile the pipeline with the version"),
        ("--verbose=true", r"--verbose: expected an option of a run"),
    ],
)
def test_a_value_that_cannot_be_used(word: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        read_words([word])


def test_every_option_of_a_run_is_a_parameter_or_fixed() -> None:
    names = set(all_parameters())
    _, bound, _ = app.parse_args(["node", "--list"], exit_on_error=False, print_error=False)
    assert bound.arguments["options"] == NodeOptions(list=True)
    own = {"run_id", "node", "finish", "list", "graph", "wait_minutes"}
    every = {"trials", "minutes", "distribute", "mixed_precision", "warm_start"} | {
        name for name in NodeOptions.__dataclass_fields__ if name not in ("budget", "trainer")
    }
    assert names == every - own - (NOT_OF_THE_RUN - {"var"})
    assert names >= FIXED


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(),
        RunOptions(task="own.trips", train_steps=5, spans="last:4", evaluate_on="newest", push_ties=True),
        RunOptions(data=Path(VAR, "rows.csv"), push_to=Path(VAR, "models"), force=True, job_minutes=5.0),
        RunOptions(experiment="wider", note="two layers", tag=("a", "b c"), seeds=3),
    ],
)
def test_what_the_graph_was_written_with_comes_back(options: RunOptions) -> None:
    """Through the compiled defaults and a backend's spelling to the options of `node`."""
    open_, fixed = choose_defaults(graph(*as_arguments(options)[2 if options.task != "taxi" else 0 :]), VAR)
    values = {parameter: value for parameter, value in (open_ | fixed).items() if parameter.name != "task"}
    words = write_words(read_words([f"--{parameter.option}={value}" for parameter, value in values.items()]))
    line = ["run", f"--task={options.task}", *words]
    _, bound, _ = app.parse_args(line, exit_on_error=False, print_error=False)
    assert as_arguments(bound.arguments["options"]) == as_arguments(options)


def test_an_option_that_every_run_would_refuse_is_no_parameter() -> None:
    for given in ((), ("--engine", "flink")):
        open_, _ = choose_defaults(graph(*given), VAR)
        assert "data" in {parameter.name for parameter in open_}
        assert "cloud" not in {parameter.name for parameter in open_}


def test_a_path_of_this_machine_is_refused() -> None:
    with pytest.raises(ParameterError, match=rf"--data: expected a path below {VAR}, .*received /data/rows.csv"):
        choose_defaults(graph("--data", "/data/rows.csv"), "/mnt/pipelines/var")


def test_all_tasks_of_a_job_are_one_run(tmp_path: Path) -> None:
    run_id = find_run(tmp_path, "job-1")
    assert RUN_ID.fullmatch(run_id)
    assert NodeOptions(run_id=run_id, finish=True).run_id == run_id  # It is a run's id.
    assert find_run(tmp_path, "job-1") == run_id
    assert find_run(tmp_path, "job-2") != run_id
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["job-1", "job-2"]


def test_of_two_first_tasks_one_names_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "jobs" / "job-1"

    def name_late(job: str) -> str:
        file.write_text("20260131-235959-0000000001")  # Another task was faster.
        return "20260131-235959-0000000002"

    monkeypatch.setattr(job_runs, "_name_run", name_late)
    assert find_run(tmp_path, "job-1") == "20260131-235959-0000000001"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("job", ["{{$.pipeline_job_uuid}}", "../runs", ""])
def test_a_job_without_an_id(job: str, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="--job: expected the id that Kubeflow Pipelines gave the job, received"):
        find_run(tmp_path, job)


def test_bad_values_end_before_anything_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--job", "{{", "--node", "Trainer", f"--var={tmp_path}"]) == 2
    assert main(["--job", "j", "--node", "Trainer", f"--var={tmp_path}", "--train-steps=x"]) == 2
    assert capsys.readouterr().err.count("error: --") == 2
    assert not list(tmp_path.iterdir())


def test_the_end_of_a_run_hands_on_status_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = find_run(tmp_path, "j")
    report = tmp_path / "runs" / run_id / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<p>the report</p>")
    started: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        started.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", run)
    shown = tmp_path / "made" / "report"
    assert main(["--job", "j", "--finish", "--report", str(shown), f"--var={tmp_path}", "--data="]) == 1
    assert shown.read_text() == "<p>the report</p>"
    words = ["-m", "pipelines", "node", f"--var={tmp_path}", "--run-id", run_id, "--finish"]
    assert started == [[sys.executable, "-W", "ignore", *words]]


def test_a_container_loads_neither_kfp_nor_tfx_before_the_node() -> None:
    look = (
        "import sys, pipelines.orchestration.kubeflow.task; "
        "print(sorted({'kfp', 'tfx', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
