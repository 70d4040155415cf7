"""New tasks of three data sets that scikit-learn ships, one for each kind of problem.

The multiclass one replays docs/tutorial/your-own-data.md: from CSV to a pushed model. So does the regression, whose
rows lack values. The binary one is trained and evaluated without a pipeline: binary_task.py.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from pipelines.scaffold.new_task import new_task
from serving import contract
from serving.gateway import settings
from serving.gateway.app import create_app
from tests.console import difference, replay, steps
from tests.pipelines.scaffold import data_sets
from tests.runs.project import SOURCE, Finished, Project, environment
from tests.runs.served import curl_lines, pasted
from tests.serving.gateway.http_server import HttpServer
from tests.serving.running_server import running

pytestmark = pytest.mark.pipeline

PAGE = SOURCE / "docs" / "tutorial" / "your-own-data.md"
TASKS = ("iris", "tumour", "sugar")
AWKWARD = ("awkward", "words", "codes")
PARTS = ("rows", "contract", "preprocessing")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of this project with its environment, and new tasks: all but the walk-through's."""
    base = tmp_path_factory.mktemp("new_task")
    project = Project.copy(base / "project")
    (project.root / ".venv").symlink_to(sys.prefix)
    new_task(project.root, "tumour", data_sets.breast_cancer(base / "tumour.csv"), "diagnosis")
    new_task(project.root, "sugar", data_sets.diabetes(base / "sugar.csv"), "target")
    new_task(project.root, "faulty", data_sets.diabetes(base / "faulty.csv"), "target")
    new_task(project.root, "awkward", data_sets.awkward(base / "awkward.csv"), "out come")
    new_task(project.root, "words", data_sets.words(base / "words.csv"), "grade")
    new_task(project.root, "codes", data_sets.codes(base / "codes.csv"), "flag")
    return project


@pytest.fixture(scope="module")
def walked(project: Project) -> list[str]:
    """After the walk-through: what was said otherwise than the page shows, by command."""
    found = []
    for command, shown in steps(PAGE):
        if wrong := difference(replay(command, project.root, environment()), shown):
            found.append(f"{command}: {wrong}")
    return found


def passes(project: Project, *command: str) -> None:
    done = subprocess.run(command, cwd=project.root, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def pushed(run: Finished) -> dict[str, float]:
    """The metrics over all rows of a run that pushed."""
    assert run.status == 0, run.told()
    assert run.summary["status"] == "pushed"
    assert {gate["gate"]: gate["passed"] for gate in run.summary["gates"]} == dict.fromkeys(
        ("AnomalyGate", "Evaluator", "SkewGate", "BetterGate"), True
    )
    return run.summary["metrics"]["overall"]


def test_the_walk_through_is_what_one_gets(walked: list[str]) -> None:
    assert [command.split()[:2] for command, _ in steps(PAGE)][1:] == [
        ["make", "new-task"],
        ["sed", "-n"],
        ["make", "run-local"],
    ]
    assert walked == []


def test_the_walk_throughs_model_answers_as_shown(project: Project, walked: list[str], tmp_path: Path) -> None:
    (command, shown), (gateway_command, gateway_shown) = curl_lines(PAGE.read_text())
    base = project.var / "serving" / "iris"
    with running(tmp_path, "--model_name=iris", f"--model_base_path={base}") as server:
        answer = pasted(command, server, "")
        found = settings.load(project.root / "serving" / "gateway" / "iris.toml", {}, {"model.server": server.url})
        with HttpServer(create_app(found, {})) as gateway:
            gateway_answer = pasted(gateway_command, server, gateway.url.removeprefix("http://"))
    assert gateway_answer.keys() == gateway_shown.keys()
    (named,), (named_shown,) = gateway_answer["predictions"], gateway_shown["predictions"]
    assert named.keys() == named_shown.keys()
    assert named["decision"] == named_shown["decision"] == "setosa"
    by_name = {one["class"]: one["probability"] for one in named["probabilities"]}
    assert [by_name[name] for name in ("setosa", "versicolor", "virginica")] == answer["outputs"][0]
    assert np.array(answer["outputs"]) == pytest.approx(np.array(shown["outputs"]), abs=0.05)


@pytest.mark.one_stack
def test_the_code_of_new_tasks_passes_make_check(project: Project, walked: list[str]) -> None:
    passes(project, sys.executable, "-m", "ruff", "format", "--check", *places())
    passes(project, sys.executable, "-m", "ruff", "check", *places())
    packages = [word for name in TASKS + AWKWARD for word in ("-m", f"data.{name}", "-p", f"pipelines.tasks.{name}")]
    passes(project, sys.executable, "-m", "mypy", *packages)
    passes(project, str(Path(sys.executable).with_name("lint-imports")))


def test_a_new_task_is_known_to_itself_only(project: Project, walked: list[str]) -> None:
    trespasser = project.root / "pipelines" / "tasks" / "sugar" / "trespasser.py"
    trespasser.write_text("import pipelines.tasks.iris.features\n")
    try:
        with pytest.raises(AssertionError, match=r"pipelines.tasks.sugar.trespasser -> pipelines.tasks.iris"):
            passes(project, str(Path(sys.executable).with_name("lint-imports")))
    finally:
        trespasser.unlink()


def test_a_regression_ends_with_a_pushed_model(project: Project, tmp_path: Path) -> None:
    run = project.run("--train-steps", "100", task="sugar")
    metrics = pushed(run)
    assert "one node at a time" not in run.told()  # Nothing of a new task computes before the nodes are forked.
    # What least squares reaches on these patients, in random halves, is 2,900 to 3,200.
    assert metrics["mean_squared_error"] < 3_700
    _require_honest_intervals(project, tmp_path)


def _require_honest_intervals(project: Project, folder: Path) -> None:
    """The gateway answers with the pushed version's interval, and the patients lie in it about as often as it says."""
    patients = pd.read_csv(project.root / "data" / "sugar" / "sugar.csv")
    with running(folder, "--model_name=sugar", f"--model_base_path={project.var / 'serving' / 'sugar'}") as server:
        file = project.root / "serving" / "gateway" / "sugar.toml"
        found = settings.load(file, {}, {"model.server": server.url})
        names = [feature.name for feature in contract.read(found.contract).features]
        rows = [
            {name: value for name, value in row.items() if not pd.isna(value)}
            for row in patients[names].astype(object).to_dict("records")
        ]
        with HttpServer(create_app(found, {})) as gateway, httpx.Client(base_url=gateway.url, timeout=30) as client:
            answers = client.post("/v1/sugar", json=rows).raise_for_status().json()["predictions"]
    assert {answer["interval"]["level"] for answer in answers} == {0.9}
    inside = [
        answer["interval"]["low"] <= target <= answer["interval"]["high"]
        for answer, target in zip(answers, patients["target"], strict=True)
    ]
    # Half of a fifth of 290 rows calibrate: a coverage is a Beta variable of 27 and 3, 998 of 1,000 in these bounds.
    assert 0.67 < np.mean(inside) < 0.99


def test_the_gateway_knows_the_binary_task(project: Project) -> None:
    found = settings.load(project.root / "serving" / "gateway" / "tumour.toml", {})
    assert (found.route, found.model.name) == ("/v1/tumour", "tumour")
    assert (found.decision_true, found.decision_false) == ("diagnosis = malignant", "diagnosis = benign")
    features = contract.read(found.contract).features
    assert len(features) == 30
    assert (features[0].name, features[0].description, features[0].example) == ("mean_radius", "mean radius", 17.99)


@pytest.mark.one_stack
def test_the_tests_of_new_tasks_pass_and_can_fail(project: Project, walked: list[str]) -> None:
    project.edit("data/faulty.md", "| bmi | FLOAT | 0 |", "| bmi | FLOAT | 1 |")
    project.edit("data/schema/faulty.pbtxt", "max: 140.0", "max: 70.0")
    project.edit("pipelines/tasks/faulty/preprocessing.py", "tf.zeros_like(scores)", "tf.ones_like(scores)")
    tests = "tests/pipelines/tasks"
    shutil.copy(SOURCE / "tests/pipelines/scaffold/binary_task.py", project.root / tests / "tumour" / "test_binary.py")
    # The signs and texts of the awkward task do not reach its model, nor do the faults of the faulty one.
    parts = [f"{tests}/{name}/test_{part}.py" for name in ("awkward", "faulty") for part in PARTS]
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"{tests}/{name}" for name in TASKS), *parts]
    done = subprocess.run(
        [sys.executable, *command], cwd=project.root, env=environment(), capture_output=True, text=True
    )
    assert set(re.findall(r"^(?:FAILED|ERROR) (\S+?)(?:\[| |$)", done.stdout, re.MULTILINE)) == {
        f"{tests}/faulty/test_{test}"
        for test in (
            "rows.py::test_figures_of_a_column",
            "contract.py::test_the_rows_keep_it",
            "contract.py::test_a_request_needs_no_label",
            "contract.py::test_rows_without_label_break_it",
            "preprocessing.py::test_z_scores",
        )
    }, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 150, done.stdout


def places() -> list[str]:
    """The code of the new tasks."""
    folders = ("data/{}.py", "pipelines/tasks/{}", "tests/pipelines/tasks/{}")
    return [folder.format(name) for name in TASKS + AWKWARD for folder in folders]
