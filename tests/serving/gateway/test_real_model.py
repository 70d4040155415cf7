"""The gateway before the embedded server and a model that the pipeline's own export wrote."""

import concurrent.futures
import contextlib
import csv
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from components.batch_predictor.job import PredictionJob
from components.batch_predictor.prediction import predict_files
from pipelines.engines.local import LocalEngine
from serving.gateway.app import create_app
from serving.gateway.settings import load
from tests import handmade
from tests.serving import running_server
from tests.serving.gateway.conftest import settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.running_server import RunningServer

pytestmark = pytest.mark.pipeline

FLAGS = ("--file_system_poll_wait_seconds=0.1", "--allow_version_labels_for_unavailable_models=true")
FEATURES = ("fare", "hour", "payment", "miles", "seconds", "company")
# Units in the last place of a float32. A session optimizes the graph, which tf.saved_model.load does not: on some
# processors the last bit differs.
MOST_ULP = 2
ROWS = [{name: row[name] for name in FEATURES} for row in handmade.ROWS]


def push(export: Path, model: Path, version: int) -> None:
    shutil.copytree(export, model / f"{version}.tmp")
    (model / f"{version}.tmp").rename(model / str(version))


@pytest.fixture(scope="module")
def folder(handmade_export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models: `plain`, without labels, and `labelled`, two versions with one label each."""
    folder = tmp_path_factory.mktemp("models")
    push(handmade_export, folder / "plain", 1)
    push(handmade_export, folder / "labelled", 1)
    push(handmade_export, folder / "labelled", 2)
    (folder / "models.config").write_text(f"""
      model_config_list {{
        config {{ name: "plain" base_path: "{folder}/plain" model_platform: "tensorflow" }}
        config {{
          name: "labelled" base_path: "{folder}/labelled" model_platform: "tensorflow"
          model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
          version_labels {{ key: "stable" value: 1 }} version_labels {{ key: "canary" value: 2 }}
        }}
      }}""")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    with running_server.running(folder, f"--model_config_file={folder / 'models.config'}", *FLAGS) as server:
        yield server


@contextlib.contextmanager
def gateway(url: str, export: Path, model: str, **flags: Any) -> Iterator[httpx.Client]:
    contract = {"contract": str(export / "assets.extra" / "schema.pbtxt"), "model.name": model}
    app = create_app(settings(url, contract | flags), {})
    with HttpServer(app) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def test_answers_are_those_of_the_batch_path(handmade_export: Path, server: RunningServer) -> None:
    """Missing values and all: what serving_default says of the same rows as tf.Examples."""
    examples = [handmade.to_example({name: row[name] for name in FEATURES}) for row in handmade.ROWS]
    model = tf.saved_model.load(str(handmade_export))
    expected = model.signatures["serving_default"](tf.constant(examples))["predictions"].numpy()[:, 0]
    with gateway(server.url, handmade_export, "plain") as client:
        assert client.get("/readyz").json() == {"status": "ready", "model_version": "1", "model_label": None}
        left_out = [{name: value for name, value in row.items() if value is not None} for row in ROWS]
        assert left_out != ROWS
        for rows in (ROWS, left_out):
            said = client.post("/v1/tip", json=rows).raise_for_status().json()
            received = np.array([answer["probability"] for answer in said["predictions"]], np.float32)
            np.testing.assert_array_max_ulp(received, expected, MOST_ULP)
            assert [answer["decision"] for answer in said["predictions"]] == [bool(one >= 0.5) for one in expected]


def test_a_file_of_the_same_rows_gets_the_same_answers(
    handmade_export: Path, server: RunningServer, tmp_path: Path
) -> None:
    """Those of `predict`; a row that one refuses, the other refuses for the same reason."""
    broken = [{**ROWS[0], "miles": 101.0}, {**ROWS[1], "hour": 24}, {**ROWS[2], "payment": None}]
    rows = [*ROWS, *broken]
    with (tmp_path / "rows.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, FEATURES)
        writer.writeheader()
        writer.writerows(rows)
    out = tmp_path / "predictions.parquet"
    job = PredictionJob(files=(str(tmp_path / "rows.csv"),), model=handmade_export, version=1, threshold=0.5)
    predict_files(job, out, LocalEngine().beam_args())
    found = pq.read_table(out)
    assert found.column("line").to_pylist() == list(range(2, 2 + len(ROWS)))
    with out.with_name("predictions.parquet.refused.csv").open(newline="") as stream:
        refused = list(csv.DictReader(stream))
    with gateway(server.url, handmade_export, "plain") as client:
        said = client.post("/v1/tip", json=ROWS).raise_for_status().json()["predictions"]
        problems = [client.post("/v1/tip", json=row).json()["errors"][0] for row in broken]
    probabilities = np.array([answer["probability"] for answer in said], np.float32)
    np.testing.assert_array_max_ulp(found.column("prediction").to_numpy(), probabilities, MOST_ULP)
    assert found.column("decision").to_pylist() == [answer["decision"] for answer in said]
    assert [fault["column"] for fault in refused] == [problem["field"] for problem in problems]
    for fault, problem in zip(refused, problems, strict=True):
        assert problem["expected"].startswith(fault["reason"].removeprefix("expected ").removesuffix(", or nothing"))


def test_labels_and_a_canary(handmade_export: Path, server: RunningServer, tmp_path: Path) -> None:
    with gateway(server.url, handmade_export, "labelled", traffic=str(tmp_path / "traffic.json")) as client:

        def answered() -> tuple[str, str]:
            said = client.post("/v1/tip", json=ROWS[0]).raise_for_status().json()
            return said["model_version"], said["model_label"]

        assert {answered() for _ in range(5)} == {("1", "stable")}
        (tmp_path / "new").write_text(json.dumps({"canary_percent": 100}))
        os.replace(tmp_path / "new", tmp_path / "traffic.json")
        assert {answered() for _ in range(5)} == {("2", "canary")}


def test_a_contract_that_is_not_the_model_s(server: RunningServer, handmade_export: Path, tmp_path: Path) -> None:
    contract = (handmade_export / "assets.extra" / "schema.pbtxt").read_text().replace('"hour"', '"our"')
    (tmp_path / "schema.pbtxt").write_text(contract)
    with gateway(server.url, handmade_export, "plain", contract=str(tmp_path / "schema.pbtxt")) as client:
        assert client.get("/readyz").status_code == 503


def test_a_model_of_another_number_of_classes(server: RunningServer, handmade_export: Path, tmp_path: Path) -> None:
    """The real server's metadata tells the width of the output."""
    contract = (handmade_export / "assets.extra" / "schema.pbtxt").read_text()
    label = 'name: "tips"\n  type: INT\n  int_domain { min: 0 max: 2 }'
    changed = re.sub(r'name: "tips"\s+type: FLOAT', label, contract)
    assert changed != contract
    (tmp_path / "schema.pbtxt").write_text(changed)
    settings_file = tmp_path / "tips.toml"
    settings_file.write_text(
        f'endpoint = "tips"\ntitle = "Tips"\nkind = "multiclass"\ncontract = "schema.pbtxt"\n[model]\nname = "plain"\n'
        f'server = "{server.url}"\n'
    )
    for kind, status in (("multiclass", 503), ("regression", 200)):
        app = create_app(load(settings_file, {}, {"kind": kind}), {})
        with HttpServer(app) as gateway, httpx.Client(base_url=gateway.url, timeout=30) as client:
            assert client.get("/readyz").status_code == status
            answer = client.post("/v1/tips", json=ROWS[0])
    assert 0 < answer.raise_for_status().json()["predictions"][0]["value"] < 1


def test_a_new_version_costs_nobody_an_answer(folder: Path, handmade_export: Path, server: RunningServer) -> None:
    stop = threading.Event()
    with gateway(server.url, handmade_export, "plain", **{"model.resolve_seconds": 1}) as client:

        def ask() -> list[int]:
            statuses = []
            while not stop.is_set():
                statuses.append(client.post("/v1/tip", json=ROWS[:3]).status_code)
            return statuses

        def current() -> str:
            return str(client.get("/readyz").json()["model_version"])

        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = [pool.submit(ask) for _ in range(3)]
            try:
                for version in ("2", "3", "4"):
                    push(handmade_export, folder / "plain", int(version))
                    server.wait_for(lambda version=version: current() == version)  # type: ignore[misc]
                    assert client.post("/v1/tip", json=ROWS[:3]).json()["model_version"] == version
            finally:
                stop.set()
    assert {status for future in asked for status in future.result()} == {200}


def test_a_server_that_is_killed(folder: Path, handmade_export: Path, tmp_path: Path) -> None:
    flags = ("--model_name=plain", f"--model_base_path={folder / 'plain'}", *FLAGS)
    with running_server.running(tmp_path, *flags) as first, gateway(first.url, handmade_export, "plain") as client:
        assert client.post("/v1/tip", json=ROWS[0]).status_code == 200
        first.process.kill()
        first.process.wait()
        answer = client.post("/v1/tip", json=ROWS[0])
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "no_model", "2")
        assert client.get("/healthz").status_code == 200
        with running_server.running(tmp_path, *flags, f"--rest_api_port={first.rest_port}"):
            assert client.post("/v1/tip", json=ROWS[0]).status_code == 200
            assert client.get("/readyz").status_code == 200
