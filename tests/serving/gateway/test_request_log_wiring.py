"""Which requests reach the request log, and with what. test_request_log.py has the log itself."""

from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from serving.gateway.app import create_app
from tests.serving.gateway.conftest import settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel

Trip = dict[str, Any]


@pytest.fixture
def answers(model: ScriptedModel, model_server: HttpServer, tmp_path: Path, trip: Trip) -> list[dict[str, Any]]:
    """What the log holds after a prediction of two rows, a refusal and a time-out."""
    model.versions, model.labels = ["7"], {"stable": "7"}
    model.predict = lambda inputs: [[fare / 100] for fare in inputs["fare"]]
    flags = {"request_log.folder": str(tmp_path), "request_log.dropped": ["company"], "model.read_seconds": 0.1}
    # The log is complete once the gateway has ended.
    with HttpServer(create_app(settings(model_server.url, flags), {})) as server, httpx.Client() as client:
        rows = [{**trip, "fare": 75}, {**trip, "fare": 25, "trip_seconds": None}]
        client.post(f"{server.url}/v1/tip", json=rows, headers={"X-Request-ID": "two"}).raise_for_status()
        assert client.post(f"{server.url}/v1/tip", json={**trip, "fare": -1}).status_code == 422
        model.faults = ["hang"]
        assert client.post(f"{server.url}/v1/tip", json=trip, headers={"X-Request-ID": "late"}).status_code == 504
    (file,) = tmp_path.rglob("*.parquet")
    return list(pq.read_table(file).to_pylist())


def test_what_is_logged(answers: list[dict[str, Any]], trip: Trip) -> None:
    first, second, late = answers
    assert first["request_id"] == second["request_id"] == "two"
    assert [first["request_row"], second["request_row"]] == [0, 1]
    assert (first["fare"], first["trip_seconds"], second["fare"], second["trip_seconds"]) == (75, 660, 25, None)
    assert (first["answer_probability"], first["answer_decision"]) == (0.75, True)
    assert (second["answer_probability"], second["answer_decision"]) == (0.25, False)
    assert (first["model_version"], first["model_label"], first["answer_status"]) == (7, "stable", 200)
    assert first["answer_latency_ms"] > 0
    assert "company" not in first
    assert (late["request_id"], late["answer_status"]) == ("late", 504)
    assert (late["model_version"], late["model_label"]) == (7, "stable")  # which was asked
    assert late["answer_probability"] is late["answer_decision"] is None
