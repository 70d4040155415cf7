"""POST /v1/tip: what goes to the model, what comes back."""

import concurrent.futures
from typing import Any

import httpx
import pytest

from serving.contract import Contract
from tests.serving.gateway.conftest import Start, sample
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

Trip = dict[str, Any]


def test_one_trip(client: httpx.Client, model: ScriptedModel, contract: Contract, trip: Trip) -> None:
    answer = client.post("/v1/tip", json=trip)
    assert answer.status_code == 200
    assert answer.json() == {
        "predictions": [{"probability": 0.75, "decision": True}],
        "model_version": "1",
        "model_label": None,
        "request_id": answer.headers["x-request-id"],
    }
    assert answer.headers["server-timing"].startswith("model;dur=")
    path, body = model.asked[0]
    assert path == "/v1/models/taxi/versions/1:predict"
    assert body == {"signature_name": "serving_raw", "inputs": contract.inputs([trip])}
    assert body["inputs"]["pickup_census_tract"] == [-(2**53)]


def test_several_trips_in_order(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.predict = lambda inputs: [[fare / 100] for fare in inputs["fare"]]
    trips = [{**trip, "fare": fare, "company": None} for fare in (90, 50, 49.99)]
    answer = client.post("/v1/tip", json=trips).json()
    assert answer["predictions"] == [
        {"probability": 0.9, "decision": True},
        {"probability": 0.5, "decision": True},
        {"probability": 0.4999, "decision": False},
    ]
    assert model.asked[0][1]["inputs"]["company"] == ["", "", ""]


def test_requests_at_the_same_time_get_their_own_predictions(start: Start, model: ScriptedModel, trip: Trip) -> None:
    model.predict = lambda inputs: [[fare / 100] for fare in inputs["fare"]]
    client = start()

    def ask(fare: float) -> tuple[float, list[float]]:
        found = client.post("/v1/tip", json=[{**trip, "fare": fare}, {**trip, "fare": fare + 50}]).json()
        return fare, [row["probability"] for row in found["predictions"]]

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        for fare, probabilities in threads.map(ask, [0.5 * step for step in range(1, 81)]):
            assert probabilities == pytest.approx([fare / 100, (fare + 50) / 100])
    assert len(model.asked) <= 80
    assert sum(len(body["inputs"]["fare"]) for _, body in model.asked) == 160  # no row is asked twice or left out


def test_another_threshold(start: Start, trip: Trip) -> None:
    answer = start({"threshold": 0.76}).post("/v1/tip", json=trip).json()
    assert answer["predictions"] == [{"probability": 0.75, "decision": False}]


def test_a_model_with_several_outputs(start: Start, model: ScriptedModel, trip: Trip) -> None:
    model.predict = lambda inputs: {"predictions": [0.25], "other": [7]}
    assert start().post("/v1/tip", json=trip).json()["predictions"] == [{"probability": 0.25, "decision": False}]


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [[0.5], [0.5]],
        [[0.5, 0.5]],
        [[1.5]],
        [[-0.1]],
        [["a"]],
        [[None]],
        {"other": [[0.5]]},
        None,
        [[float("nan")]],
    ],
    ids=str,
)
def test_an_answer_that_is_no_probability(
    client: httpx.Client, model: ScriptedModel, trip: Trip, outputs: object
) -> None:
    model.predict = lambda inputs: outputs
    answer = client.post("/v1/tip", json=trip)
    assert (answer.status_code, answer.json()["code"]) == (502, "bad_model_answer")
    assert len(model.asked) == 1  # it would say the same again
    assert sample(client, "gateway_upstream_errors_total", kind="bad_answer") == 1


def test_no_second_definition(start: Start, tmp_path: Any, model: ScriptedModel) -> None:
    """Another contract and another settings file are another task's gateway."""
    from serving import contract as contracts
    from tests.serving.gateway.conftest import ROOT

    path = ROOT / "tests/tasks/diabetes/schema.pbtxt"
    model.contract = contracts.read(path)
    client = start({"contract": str(path), "endpoint": "progression", "row_name": "Patient", "model.name": "diabetes"})
    patient = {"age": 50, "bmi": 26.4, "bp": 94.5, "s1": 189, "s2": 115, "s3": 50, "s4": 4, "s5": 4.6, "sex": "a"}
    answer = client.post("/v1/progression", json=patient)
    assert answer.status_code == 200, answer.text
    assert model.asked[0][1]["inputs"]["s6"] == [-(2**53)]  # s6 is optional
    refused = client.post("/v1/progression", json={**patient, "sex": "c"}).json()
    assert refused["errors"] == [{"row": 0, "field": "sex", "expected": 'one of "a", "b"', "received": '"c"'}]
    assert "Patient" in client.get("/openapi.json").json()["components"]["schemas"]
    assert client.post("/v1/tip", json=patient).status_code == 404


def test_metrics(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.predict = lambda inputs: [[fare / 100] for fare in inputs["fare"]]
    client.post("/v1/tip", json=[{**trip, "fare": 90}, {**trip, "fare": 10}, {**trip, "fare": 20}])
    client.post("/v1/tip", json={})
    labels = {"model_version": "1", "label": ""}
    assert sample(client, "gateway_predictions_total", **labels, decision="true") == 1
    assert sample(client, "gateway_predictions_total", **labels, decision="false") == 2
    assert sample(client, "gateway_requests_total", route="/v1/tip", status="200") == 1
    assert sample(client, "gateway_requests_total", route="/v1/tip", status="422") == 1
    assert sample(client, "gateway_request_seconds_count", route="/v1/tip") == 2
    assert sample(client, "gateway_upstream_seconds_count") == 1
