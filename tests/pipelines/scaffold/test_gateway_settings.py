"""The gateway's settings of a new task, for each kind of problem: read, and answered by, before a made-up model."""

import ast
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest

from pipelines.scaffold.new_task import new_task
from serving import contract as contracts
from serving.gateway.app import create_app
from serving.gateway.several_tasks import load_all
from tests.pipelines.scaffold import data_sets
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SPECIES = ["setosa", "versicolor", "virginica"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("tasks")
    root = base / "project"
    for folder in ("data/schema", "pipelines/tasks/taxi", "serving/gateway", "tests/pipelines/tasks"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    new_task(root, "tumour", data_sets.breast_cancer(base / "tumour.csv"), "diagnosis")
    new_task(root, "iris", data_sets.iris(base / "iris.csv"), "species")
    new_task(root, "sugar", data_sets.diabetes(base / "sugar.csv"), "target")
    (base / "doors.csv").write_text("\n".join(["width,doors", *(f"{n % 9},{(2, 3, 5)[n % 3]}" for n in range(120))]))
    new_task(root, "doors", base / "doors.csv", "doors", problem="multiclass")
    return root


EXPECTED: dict[str, tuple[int, Any, Any]] = {  # task -> width of the output, what the model says, the answer
    "tumour": (1, [0.75], {"probability": 0.75, "decision": True}),
    "iris": (
        3,
        [0.125, 0.25, 0.625],
        {
            "decision": "virginica",
            "probabilities": [
                {"class": name, "probability": probability}
                for name, probability in (("virginica", 0.625), ("versicolor", 0.25), ("setosa", 0.125))
            ],
        },
    ),
    "doors": (
        3,
        [0.25, 0.25, 0.5],
        {
            "decision": 5,
            "probabilities": [
                {"class": doors, "probability": probability} for doors, probability in ((5, 0.5), (2, 0.25), (3, 0.25))
            ],
        },
    ),
    "sugar": (1, [151.5], {"value": 151.5, "unit": None, "interval": None}),
}


@pytest.mark.parametrize("task", EXPECTED)
def test_a_new_task_is_answered(project: Path, task: str) -> None:
    width, said, answer = EXPECTED[task]
    contract = contracts.read(project / "data" / "schema" / f"{task}.pbtxt")
    model = ScriptedModel(contract, predict=lambda inputs: [said], outputs={"predictions": [-1, width]})
    file = project / "serving" / "gateway" / f"{task}.toml"
    with HttpServer(model) as model_server:
        (settings,) = load_all([file], lambda name: {"model.server": model_server.url}, {})
        with HttpServer(create_app(settings, {})) as gateway, httpx.Client(base_url=gateway.url) as client:
            assert client.get("/readyz").status_code == 200
            answered = client.post(f"/v1/{task}", json=contract.example).raise_for_status().json()
    assert answered["predictions"] == [answer]
    assert model.asked[0][0] == f"/v1/models/{task}/versions/1:predict"


@pytest.mark.parametrize("base_model", [None, "earlier"])
def test_a_warm_start_has_no_interval(project: Path, base_model: str | None) -> None:
    """The earlier model may have learned from the rows that would calibrate it: it would be too narrow."""
    source = ast.parse((project / "pipelines" / "tasks" / "sugar" / "trainer.py").read_text())
    (run_fn,) = (each for each in source.body if isinstance(each, ast.FunctionDef) and each.name == "run_fn")
    names = {node.id for node in ast.walk(run_fn) if isinstance(node, ast.Name)}
    replaced: dict[str, Any] = {name: mock.MagicMock() for name in names}
    replaced["split_rows"].return_value = ("fitted", "validation", "calibration")
    exec(compile(ast.Module([run_fn], []), "trainer.py", "exec"), replaced)
    replaced["run_fn"](mock.MagicMock(base_model=base_model))
    given = replaced["export_model"].call_args.kwargs["interval"]
    assert given is (None if base_model else replaced["calibrate_interval"].return_value)
    if not base_model:
        assert replaced["calibrate_interval"].call_args.args[1] == "calibration"


def test_one_gateway_serves_them_all(project: Path) -> None:
    files = sorted((project / "serving" / "gateway").glob("*.toml"))
    app = create_app(load_all(files, environ={}), {})
    assert {f"/v1/{task}" for task in EXPECTED} <= set(app.openapi()["paths"])
