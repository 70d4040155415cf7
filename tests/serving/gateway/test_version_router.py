"""Which version answers."""

import collections
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.gateway.traffic_split import TrafficSplit
from tests.serving.gateway.conftest import Start, sample
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

Trip = dict[str, Any]


def answered(client: httpx.Client, trip: Trip) -> tuple[str, str | None]:
    said = client.post("/v1/tip", json=trip).raise_for_status().json()
    return said["model_version"], said["model_label"]


def set_traffic(path: Path, canary_percent: float) -> None:
    """As serving.rollout does it: whole or not at all."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({"canary_percent": canary_percent}))
    os.replace(beside, path)


def test_without_labels_the_latest_version(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.versions = ["9", "10"]
    assert answered(client, trip) == ("10", None)


def test_the_label_stable(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.versions, model.labels = ["1", "2"], {"stable": "1", "canary": "2"}
    assert answered(client, trip) == ("1", "stable")
    assert model.asked[0][0] == "/v1/models/taxi/versions/1:predict"


def test_labels_may_come_later_and_are_then_kept_to(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.versions = ["1", "2"]
    assert answered(client, trip) == ("2", None)
    model.labels = {"stable": "1", "canary": "2"}
    assert answered(client, trip) == ("1", "stable")
    model.labels = {"canary": "2"}  # a moment without stable must not send everybody to the canary
    assert client.post("/v1/tip", json=trip).status_code == 503
    model.labels = {"stable": "2"}
    assert answered(client, trip) == ("2", "stable")


def test_labels_are_demanded(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start({"model.labels": True})
    assert client.post("/v1/tip", json=trip).status_code == 503
    model.labels = {"stable": "1"}
    assert answered(client, trip) == ("1", "stable")


def test_labels_are_not_asked_for(start: Start, model: ScriptedModel, trip: Trip) -> None:
    model.versions, model.labels = ["1", "2"], {"stable": "1"}
    assert answered(start({"model.labels": False}), trip) == ("2", None)


def test_a_version_that_goes_between_look_up_and_request(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start({"model.resolve_seconds": 3600})
    assert answered(client, trip) == ("1", None)
    model.versions = ["2"]
    assert answered(client, trip) == ("2", None)
    assert [path.split("/")[5] for path, _ in model.asked] == ["1:predict", "1:predict", "2:predict"]


def test_what_is_known_is_used_for_a_while(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start({"model.resolve_seconds": 3600})
    assert answered(client, trip) == ("1", None)
    model.versions = ["1", "2"]
    assert answered(client, trip) == ("1", None)


def test_no_version(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.versions = []
    answer = client.post("/v1/tip", json=trip)
    assert (answer.status_code, answer.json()["code"]) == (503, "no_model")


def test_a_busy_server_is_not_ready(client: httpx.Client, model: ScriptedModel) -> None:
    assert client.get("/readyz").status_code == 200
    model.busy = True
    until = time.monotonic() + 20
    while client.get("/readyz").status_code != 503:  # what was looked up a moment ago still counts
        assert time.monotonic() < until


@pytest.mark.parametrize(
    "inputs", [{"fare": "DT_FLOAT"}, "fare as string", "one more"], ids=["too few", "another type", "one more"]
)
def test_a_model_of_another_contract(client: httpx.Client, model: ScriptedModel, trip: Trip, inputs: Any) -> None:
    from tests.serving.gateway.scripted_model import DTYPES

    right = {feature.name: DTYPES[feature.kind.value] for feature in model.contract.features}
    model.inputs = {
        "fare as string": {**right, "fare": "DT_STRING"},
        "one more": {**right, "tips": "DT_FLOAT"},
    }.get(str(inputs), inputs)
    assert client.get("/readyz").status_code == 503
    assert client.post("/v1/tip", json=trip).status_code == 503
    assert model.asked == []
    model.inputs = right
    assert client.get("/readyz").status_code == 200


def test_a_model_without_the_signature(client: httpx.Client, model: ScriptedModel) -> None:
    model.signature = "serving_default"
    assert client.get("/readyz").status_code == 503
    assert sample(client, "gateway_upstream_errors_total", kind="mismatch") == 1


def test_a_signature_without_inputs(client: httpx.Client, model: ScriptedModel) -> None:
    model.inputs = {}
    assert client.get("/readyz").status_code == 503
    assert sample(client, "gateway_upstream_errors_total", kind="mismatch") == 1


def test_canary_traffic(start: Start, model: ScriptedModel, trip: Trip, tmp_path: Path) -> None:
    model.versions, model.labels = ["1", "2"], {"stable": "1", "canary": "2"}
    file = tmp_path / "traffic.json"
    client = start({"traffic": str(file)})
    assert {answered(client, trip) for _ in range(20)} == {("1", "stable")}  # no file: no canary
    set_traffic(file, 100)
    assert {answered(client, trip) for _ in range(20)} == {("2", "canary")}
    set_traffic(file, 50)
    both = collections.Counter(answered(client, trip) for _ in range(100))
    assert set(both) == {("1", "stable"), ("2", "canary")}
    assert sample(client, "gateway_predictions_total", model_version="2", label="canary", decision="true") == (
        20 + both["2", "canary"]
    )
    file.unlink()
    assert {answered(client, trip) for _ in range(20)} == {("1", "stable")}


@pytest.mark.parametrize("labels", [{"stable": "1"}, {"stable": "1", "canary": "7"}], ids=["no canary", "canary gone"])
def test_a_canary_that_is_not_there_costs_nobody_an_answer(
    start: Start, model: ScriptedModel, trip: Trip, tmp_path: Path, labels: dict[str, str]
) -> None:
    model.labels = labels
    set_traffic(tmp_path / "traffic.json", 100)
    client = start({"traffic": str(tmp_path / "traffic.json")})
    assert {answered(client, trip) for _ in range(5)} == {("1", "stable")}


def test_a_traffic_file_that_says_nothing_leaves_things_as_they_were(
    start: Start, model: ScriptedModel, trip: Trip, tmp_path: Path
) -> None:
    model.versions, model.labels = ["1", "2"], {"stable": "1", "canary": "2"}
    set_traffic(tmp_path / "traffic.json", 100)
    client = start({"traffic": str(tmp_path / "traffic.json")})
    (tmp_path / "traffic.json").write_text("{")
    assert answered(client, trip) == ("2", "canary")


def test_the_share_is_the_percentage(tmp_path: Path) -> None:
    set_traffic(tmp_path / "traffic.json", 12.5)
    traffic = TrafficSplit(tmp_path / "traffic.json", random.Random(1))
    drawn = sum(traffic.canary() for _ in range(20_000))
    assert abs(drawn / 20_000 - 0.125) < 0.01  # four standard deviations
    assert sum(TrafficSplit(None).canary() for _ in range(1000)) == 0
