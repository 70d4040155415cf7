"""POST /v1/feedback of a real gateway: what is stored, what is refused and why."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from serving.client import AsyncClient, Client, Feedback, InvalidRequestError, Outcome
from serving.gateway.app import create_app
from serving.gateway.settings import SettingsError
from tests.serving.gateway.conftest import sample, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

Trip = dict[str, Any]
Serve = Callable[..., contextlib.AbstractContextManager[httpx.Client]]
APP, OTHER, LABELS = "app-key-0123456789", "other-key-0123456789", "labels-key-0123456789"


@pytest.fixture
def serve(model: ScriptedModel, model_server: HttpServer, tmp_path: Path) -> Serve:
    """Starts a gateway that logs and keeps feedback below tmp_path, and ends it."""

    @contextlib.contextmanager
    def started(environ: dict[str, str] | None = None, **flags: Any) -> Iterator[httpx.Client]:
        folders = {"request_log.folder": str(tmp_path / "log"), "feedback.folder": str(tmp_path / "feedback")}
        app = create_app(settings(model_server.url, {**folders, **flags}), environ or {})
        with HttpServer(app) as server, httpx.Client(base_url=server.url, timeout=10) as client:
            yield client

    return started


def predict(client: httpx.Client, rows: object, request_id: str, key: str | None = None) -> int:
    headers = {"X-Request-ID": request_id} | ({"X-API-Key": key} if key else {})
    return client.post("/v1/tip", json=rows, headers=headers).status_code


def tell(client: httpx.Client, outcomes: object, key: str | None = None) -> tuple[int, dict[str, Any]]:
    answer = client.post("/v1/feedback", json=outcomes, headers={"X-API-Key": key} if key else {})
    return answer.status_code, answer.json()


def stored(folder: Path) -> list[dict[str, Any]]:
    """What is kept, by id and row."""
    rows = [row for path in folder.rglob("*.parquet") for row in pq.ParquetFile(path).read().to_pylist()]
    return sorted(rows, key=lambda row: (row["request_id"], row["request_row"]))


def test_outcomes_are_on_disk_when_they_are_confirmed(serve: Serve, trip: Trip, tmp_path: Path) -> None:
    with serve() as client:
        assert predict(client, [trip, trip], "two") == predict(client, trip, "one") == 200
        status, answer = tell(client, [{"request_id": "two", "row": 1, "outcome": 2.35},
                                       {"request_id": "one", "outcome": 0}])  # fmt: skip
        assert (status, answer["stored"], answer["refused"]) == (200, 2, [])
        found = stored(tmp_path / "feedback")
        assert not list((tmp_path / "log").rglob("*.parquet"))  # the requests were known from memory
        assert [(row["request_id"], row["request_row"], row["outcome"]) for row in found] == [
            ("one", 0, 0.0), ("two", 1, pytest.approx(2.35))
        ]  # fmt: skip
        assert sample(client, "gateway_feedback_outcomes_total", result="stored") == 2
    (log,) = (tmp_path / "log").rglob("*.parquet")
    times = {row["request_id"]: row["request_time"] for row in pq.ParquetFile(log).read().to_pylist()}
    assert {row["request_id"]: row["request_time"] for row in found} == times
    with serve() as client:  # a later gateway knows them from the files
        assert tell(client, {"request_id": "two", "row": 1, "outcome": 2.35})[1]["code"] == "duplicate_outcome"
        assert tell(client, {"request_id": "two", "row": 0, "outcome": 9})[0] == 200
    assert len(stored(tmp_path / "feedback")) == 3


def test_each_fault_has_an_answer_of_its_own(serve: Serve, trip: Trip, model: ScriptedModel, tmp_path: Path) -> None:
    with serve() as client:
        assert predict(client, trip, "a") == predict(client, trip, "twice") == 200
        model.predict = lambda inputs: [[0.25]]
        assert predict(client, trip, "twice") == 200
        model.faults = ["hang"] * 9
        model.busy = True
        assert predict(client, trip, "none") == 503
        assert tell(client, {"request_id": "a", "outcome": 1})[0] == 200
        cases: list[tuple[dict[str, Any], int, str, str]] = [
            ({"request_id": "who", "outcome": 1}, 404, "unknown_request", "received 'who'"),
            ({"request_id": "a", "row": 3, "outcome": 1}, 404, "unknown_row", "a row of the request, 0 to 0"),
            ({"request_id": "none", "outcome": 1}, 409, "unanswered_request", "with status 503"),
            ({"request_id": "twice", "outcome": 1}, 409, "ambiguous_request", "2 answered requests"),
            ({"request_id": "a", "outcome": 1}, 409, "duplicate_outcome", "the same outcome again"),
            ({"request_id": "a", "outcome": 2}, 409, "contradictory_outcome", "before, 1, which is kept, received 2"),
        ]
        for outcome, status, code, words in cases:
            found, problem = tell(client, outcome)
            assert (found, problem["code"]) == (status, code)
            assert words in problem["detail"]
            assert sample(client, "gateway_feedback_outcomes_total", result=code) == 1
        assert sample(client, "gateway_feedback_outcomes_total", result="stored") == 1
    assert [row["outcome"] for row in stored(tmp_path / "feedback")] == [1.0]


@pytest.mark.parametrize(("outcome", "words"), [
    ({"request_id": "a", "outcome": -1}, "outcome: expected a number from 0 to 500, received -1"),
    ({"request_id": "a", "outcome": "much"}, 'outcome: expected a number from 0 to 500, received "much"'),
    ({"request_id": "a", "outcome": True}, "outcome: expected a number from 0 to 500, received true"),
    ({"request_id": "a"}, "outcome: expected a number from 0 to 500, received nothing"),
    ({"request_id": "a", "row": -1, "outcome": 1}, "row: expected a whole number from 0"),
    ({"outcome": 1}, "request_id: expected a string"),
    ({"request_id": "a", "outcome": 1, "tips": 1}, "tips: expected no field of this name"),
])  # fmt: skip
def test_outcomes_that_break_the_contract(serve: Serve, trip: Trip, tmp_path: Path, outcome: Any, words: str) -> None:
    with serve() as client:
        predict(client, [trip, trip], "a")
        status, problem = tell(client, [{"request_id": "a", "row": 1, "outcome": 1}, outcome])
        assert (status, problem["code"]) == (422, "invalid_rows")
        assert f"row 1, {words}" in problem["detail"]
        assert sample(client, "gateway_feedback_outcomes_total", result="invalid_outcome") == 1
    assert stored(tmp_path / "feedback") == []


def test_every_outcome_that_breaks_the_contract_is_counted(serve: Serve) -> None:
    with serve() as client:
        good, bad = {"request_id": "a", "outcome": 1}, {"request_id": "a", "row": -1, "outcome": -1}
        assert tell(client, [good, bad] * 70)[0] == 422
        assert sample(client, "gateway_feedback_outcomes_total", result="invalid_outcome") == 70


def test_some_are_stored_and_some_refused(serve: Serve, trip: Trip, tmp_path: Path) -> None:
    with serve() as client:
        predict(client, [trip, trip], "a")
        sent = [("a", 0, 1), ("a", 0, 1), ("a", 0, 2), ("b", 0, 1), ("a", 1, 3)]
        outcomes = [{"request_id": one, "row": row, "outcome": outcome} for one, row, outcome in sent]
        status, answer = tell(client, outcomes)
        assert (status, answer["stored"]) == (200, 2)
        assert [(each["position"], each["code"]) for each in answer["refused"]] == [
            (1, "duplicate_outcome"), (2, "contradictory_outcome"), (3, "unknown_request"),
        ]  # fmt: skip
        status, problem = tell(client, outcomes)
        assert (status, problem["code"], len(problem["errors"])) == (422, "refused_outcomes", 5)
    assert [(row["request_row"], row["outcome"]) for row in stored(tmp_path / "feedback")] == [(0, 1.0), (1, 3.0)]


def test_only_who_asked_may_tell(serve: Serve, trip: Trip, tmp_path: Path) -> None:
    keys = {"GATEWAY_API_KEYS": f"app:{APP},other:{OTHER},labels:{LABELS}"}
    with serve(keys, **{"feedback.trusted": ["labels"]}) as client:
        assert predict(client, [trip, trip], "a", APP) == predict(client, trip, "a", OTHER) == 200
        assert predict(client, trip, "mine", OTHER) == 200
        assert tell(client, {"request_id": "mine", "outcome": 1}, APP)[1]["code"] == "other_caller"
        assert tell(client, {"request_id": "mine", "outcome": 1})[0] == 401
        assert tell(client, {"request_id": "mine", "outcome": 1}, LABELS)[0] == 200
        # Another key's request of the same id is another request.
        assert tell(client, {"request_id": "a", "outcome": 1}, APP)[0] == 200
        assert tell(client, {"request_id": "a", "outcome": 2}, OTHER)[0] == 200
        assert tell(client, {"request_id": "a", "row": 1, "outcome": 2}, OTHER)[1]["code"] == "unknown_row"
        client.headers["X-API-Key"] = APP
        assert sample(client, "gateway_feedback_outcomes_total", result="other_caller") == 1
    (log,) = (tmp_path / "log").rglob("*.parquet")
    assert b"app" not in {row["request_caller"] for row in pq.ParquetFile(log).read().to_pylist()}
    assert len(stored(tmp_path / "feedback")) == 3


def test_hashed_ids_are_found_in_memory_and_in_files(serve: Serve, trip: Trip, tmp_path: Path) -> None:
    flags = {"request_log.hashed": ["request_id"], "request_log.max_file_seconds": 0.05}
    # The key of the hashes is read with the settings, from the environment of the process.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("serving.gateway.settings.read_hash_key", lambda _: b"a key of the tests")
        with serve(**flags) as client:
            predict(client, [trip, trip], "a")
            assert tell(client, {"request_id": "a", "outcome": 1})[0] == 200
        with serve(**flags) as client:
            assert tell(client, {"request_id": "a", "outcome": 1})[1]["code"] == "duplicate_outcome"
            assert tell(client, {"request_id": "a", "row": 1, "outcome": 1})[0] == 200
    assert all(len(row["request_id"]) == 64 for row in stored(tmp_path / "feedback"))


def test_a_folder_that_cannot_be_written_stores_nothing(serve: Serve, trip: Trip, tmp_path: Path) -> None:
    with serve() as client:
        predict(client, trip, "a")
        (tmp_path / "feedback").write_text("a file in the folder's place")
        status, problem = tell(client, {"request_id": "a", "outcome": 1})
        assert (status, problem["code"]) == (503, "feedback_not_stored")
        (tmp_path / "feedback").unlink()
        assert tell(client, {"request_id": "a", "outcome": 1})[0] == 200


def test_without_feedback_there_is_no_route(client: httpx.Client) -> None:
    assert client.post("/v1/feedback", json={}).status_code == 404


def test_the_description_names_outcomes(serve: Serve) -> None:
    with serve() as client:
        description = client.get("/openapi.json").json()
        outcome = description["components"]["schemas"]["Outcome"]
        assert outcome["required"] == ["request_id", "outcome"]
        assert (outcome["properties"]["outcome"]["minimum"], outcome["properties"]["outcome"]["maximum"]) == (0, 500)
        assert set(description["paths"]["/v1/feedback"]["post"]["responses"]) >= {"403", "404", "409", "410", "422"}


@pytest.mark.parametrize(("flags", "message"), [
    ({"feedback.folder": "f"}, "expected a request log"),
    ({"feedback.folder": "f", "request_log.folder": "l", "endpoint": "feedback"}, "endpoint: expected another name"),
    ({"feedback.folder": "f", "request_log.folder": "l", "feedback.acept_days": 3}, "did you mean 'accept_days'"),
    ({"feedback.folder": "f", "request_log.folder": "l", "feedback.accept_days": 0}, "expected more than 0"),
    ({"feedback.folder": "f", "request_log.folder": "l", "feedback.keep_days": 89}, "at least accept_days, 90"),
])  # fmt: skip
def test_settings_that_cannot_be(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings("http://127.0.0.1:1", flags)


def test_a_log_without_the_caller_cannot_judge(tmp_path: Path) -> None:
    flags = {"request_log.folder": str(tmp_path), "feedback.folder": "f", "request_log.dropped": ["request_caller"]}
    with pytest.raises(ValueError, match=r"expected the request log to keep .*request_caller"):
        create_app(settings("http://127.0.0.1:1", flags), {})


def test_feedback_has_a_folder_of_its_own(tmp_path: Path) -> None:
    flags = {"request_log.folder": str(tmp_path), "feedback.folder": f"{tmp_path}/sub/.."}
    with pytest.raises(SettingsError, match="expected another folder than the request log's"):
        settings("http://127.0.0.1:1", flags)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_clients_tell_what_became_of_a_prediction(serve: Serve, trip: Trip, tmp_path: Path, kind: Any) -> None:
    async def asked(url: str) -> Feedback:
        async with AsyncClient(url, endpoint="tip") as client:
            predictions = await client.predict_many([trip, trip])
            return await client.feedback([Outcome.of(each, 1.5) for each in [*predictions, predictions[0]]])

    with serve() as http:
        url = str(http.base_url)
        if kind is AsyncClient:
            found = asyncio.run(asked(url))
        else:
            with Client(url, endpoint="tip") as client:
                predictions = client.predict_many([trip, trip])
                found = client.feedback([Outcome.of(each, 1.5) for each in [*predictions, predictions[0]]])
        assert (found.stored, [(each.position, each.code) for each in found.refused]) == (2, [(2, "duplicate_outcome")])
        with pytest.raises(InvalidRequestError, match="404 unknown_request"), Client(url, endpoint="tip") as client:
            client.feedback([Outcome(request_id="who", outcome=1)])
    assert [row["request_row"] for row in stored(tmp_path / "feedback")] == [0, 1]
