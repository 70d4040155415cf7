"""One gateway of several tasks: what each has for itself, what they share, and contradictions between files."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from serving.gateway import several_tasks
from serving.gateway.app import create_app
from serving.gateway.served_task import ServedTask
from serving.gateway.settings import SettingsError
from serving.gateway.several_tasks import load_all
from tests.serving.gateway import tasks
from tests.serving.gateway.conftest import sample
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.gateway.tasks import FLOWER, PRICE, ROW, TIP, Task

SAID: dict[Task, Any] = {FLOWER: [0.125, 0.25, 0.625], PRICE: [8.25], TIP: [0.75]}


def models(folder: Path) -> dict[Task, ScriptedModel]:
    for task in SAID:
        task.write(folder)
    return {task: task.model(folder, said) for task, said in SAID.items()}


@pytest.mark.slow
def test_each_task_has_its_own(tmp_path: Path) -> None:
    served = models(tmp_path)
    with tasks.running(tmp_path, served) as client:
        answers = {
            task: client.post(f"/v1/{task.name}", json=ROW, headers={"X-Request-ID": "same"}).json() for task in SAID
        }
        assert answers[TIP]["predictions"] == [{"probability": 0.75, "decision": True}]
        assert answers[PRICE]["predictions"][0]["value"] == 8.25
        assert answers[FLOWER]["predictions"][0]["decision"] == "virginica"
        # The same id in two logs: each outcome is told to its own task, and there is no route for all.
        assert client.post("/v1/feedback", json={"request_id": "same", "outcome": 1}).status_code == 404
        for task, outcome in ((TIP, 1), (PRICE, 7.5), (FLOWER, "setosa")):
            told = client.post(f"/v1/{task.name}/feedback", json={"request_id": "same", "outcome": outcome})
            assert told.raise_for_status().json()["stored"] == 1
        labels = {"model_version": "1", "label": ""}
        assert sample(client, "gateway_predictions_total", endpoint="tip", decision="true", **labels) == 1
        assert sample(client, "gateway_predictions_total", endpoint="price", decision="", **labels) == 1
        assert sample(client, "gateway_feedback_outcomes_total", endpoint="flower", result="stored") == 1
        assert sample(client, "gateway_requests_total", route="/v1/price", status="200") == 1
    for task in SAID:
        assert len(list((tmp_path / "requests" / task.name).rglob("*.parquet"))) == 1


@pytest.mark.slow
def test_readiness_says_each(tmp_path: Path) -> None:
    served = models(tmp_path)
    with tasks.running(tmp_path, served) as client:
        ready = {"status": "ready", "model_version": "1", "model_label": None}
        every = client.get("/readyz").json()
        assert every == {"status": "ready", "tasks": {"flower": ready, "price": ready, "tip": ready}}
        served[PRICE].versions = []
        some = client.get("/readyz")
        assert some.status_code == 200  # the others are answered
        assert some.json()["tasks"] == {"flower": ready, "price": {"status": "no_model"}, "tip": ready}
        assert client.post("/v1/price", json=ROW).status_code == 503
        served[TIP].versions = served[FLOWER].versions = []
        assert client.get("/readyz").status_code == 503


@pytest.mark.slow
def test_the_first_page_lists_the_tasks(tmp_path: Path) -> None:
    with tasks.running(tmp_path, models(tmp_path)) as client:
        links = re.findall('<a href="([^"]+)">([^<]+)</a>', client.get("/").text)
        assert links == [("flower", "Flower"), ("price", "Price"), ("tip", "Tip")]
        assert 'action="v1/tip"' in client.get("/tip").text
        paths = client.get("/openapi.json").json()["paths"]
        assert {"/v1/flower", "/v1/price", "/v1/tip"} <= set(paths)


@pytest.mark.slow
def test_keys_and_rate_are_shared(tmp_path: Path) -> None:
    environ = {"GATEWAY_API_KEYS": "a:0123456789abcdef0123456789abcdef"}
    with tasks.running(tmp_path, models(tmp_path), {"limits.requests_per_second": 1}, environ) as client:
        assert client.post("/v1/tip", json=ROW).status_code == 401
        client.headers["X-API-Key"] = "0123456789abcdef0123456789abcdef"
        asked = [client.post(f"/v1/{name}", json=ROW).status_code for name in ("tip", "price", "flower", "tip")]
        assert 429 in asked


CONTRADICTIONS = {
    "listen": ("listen.port = 8081", "listen.port = 8082", "listen.port: expected one value for the whole gateway, "
               "received 8081 in {flower} and 8082 in {price}; set it in one of them"),
    "rate": ("", 'limits.rows = 5\nkeys.file = "a"\n', None),
    "keys": ('keys.file = "a"', 'keys.file = "b"', "keys.file: expected one value for the whole gateway"),
    "http": ("http.connections = 5", "http.connections = 6", "http.connections: expected one value"),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "message"), CONTRADICTIONS.values(), ids=list(CONTRADICTIONS))
def test_what_two_files_say_of_the_gateway(tmp_path: Path, first: str, second: str, message: str | None) -> None:
    files = {
        task.name: Task(**{**vars(task), "extra": extra}).write(tmp_path)
        for task, extra in ((FLOWER, first), (PRICE, second))
    }
    if message is None:
        flower, price = load_all(list(files.values()), environ={})
        assert flower.keys.file == price.keys.file == tmp_path / "a"  # said once, it holds for all
        assert (flower.limits.rows, price.limits.rows) == (1000, 5)  # a task's own
        return
    with pytest.raises(SettingsError, match=re.escape(message.format(**files))):
        load_all(list(files.values()), environ={})


def test_what_tasks_must_not_share(tmp_path: Path) -> None:
    files = [FLOWER.write(tmp_path), PRICE.write(tmp_path)]
    for variable, name in (
        ("GATEWAY__ENDPOINT", "endpoint"),
        ("GATEWAY__ROW_NAME", "row_name"),
        ("GATEWAY__REQUEST_LOG__FOLDER", "request_log.folder"),
    ):
        with pytest.raises(
            SettingsError, match=f"{name}: expected a different value for each task, received .* in .*flower.*price"
        ):
            load_all(files, environ={variable: "Same" if "NAME" in variable else "same"})
    with pytest.raises(SettingsError, match="expected different files"):
        load_all([files[0], files[0]], environ={})
    for name in ("docs", "static-offline-docs"):
        taken = Task(name="other", kind="regression", label=PRICE.label, width=1).write(tmp_path)
        taken.write_text(taken.read_text().replace('endpoint = "other"', f'endpoint = "{name}"'))
        with pytest.raises(SettingsError, match=f"endpoint: expected none of docs, .* received {name} in"):
            load_all([files[0], taken], environ={})


def test_every_route_that_an_endpoint_may_hide_is_reserved(tmp_path: Path) -> None:
    app = create_app(load_all([FLOWER.write(tmp_path), PRICE.write(tmp_path)], environ={}), {})
    first = {route.path.split("/")[1] for route in app.routes if hasattr(route, "path")}
    for name in first - {"", "flower", "price", "openapi.json"}:  # an endpoint has no full stop
        assert name in several_tasks._RESERVED


def test_each_task_is_closed_whatever_fails_with_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of each holds rows that are not on disk yet."""
    app = create_app(load_all([FLOWER.write(tmp_path), PRICE.write(tmp_path)], environ={}), {})
    closed = []

    async def close(task: ServedTask) -> None:
        closed.append(task.settings.endpoint)
        raise OSError("no space left")

    monkeypatch.setattr(ServedTask, "close", close)

    async def live() -> None:
        async with app.router.lifespan_context(app):
            pass

    with pytest.raises(OSError, match="no space left"):
        asyncio.run(live())
    assert sorted(closed) == ["flower", "price"]


def test_a_shared_table_that_is_none(tmp_path: Path) -> None:
    files = [FLOWER.write(tmp_path), PRICE.write(tmp_path)]
    text = files[1].read_text().replace("limits.requests_per_second = 0", "limits = 3")
    files[1].write_text(text)
    with pytest.raises(SettingsError, match=r"price.toml: limits: Input should be a valid"):
        load_all(files, environ={})
