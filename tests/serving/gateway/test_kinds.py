"""Tasks of several classes, and of numbers: what is answered, refused, logged and explained."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pydantic
import pytest

from serving.contract import ContractError
from serving.gateway.answers import Interval
from serving.gateway.app import create_app
from serving.gateway.responses import response_model
from serving.gateway.served_task import read_target
from serving.gateway.settings import load
from serving.gateway.several_tasks import load_all
from serving.request_log import columns
from serving.request_log.files import log_files
from tests.serving.gateway import tasks
from tests.serving.gateway.tasks import DOORS, FLOWER, NAMES, PRICE, ROW, Task
from tests.serving.request_log.logged import until

pytestmark = pytest.mark.slow


def ask(folder: Path, task: Task, said: Any, path: str = "", rows: Any = ROW) -> httpx.Response:
    task.write(folder)
    with tasks.running(folder, {task: task.model(folder, said)}) as client:
        return client.post(f"/v1/{task.name}{path}", json=rows)


def ranked(*pairs: tuple[object, float]) -> list[dict[str, object]]:
    return [{"class": name, "probability": probability} for name, probability in pairs]


def test_classes_in_descending_order(tmp_path: Path) -> None:
    answer = ask(tmp_path, FLOWER, [0.0625, 0.875, 0.0625], rows=[ROW, ROW]).raise_for_status().json()
    expected = ranked(("versicolor", 0.875), ("setosa", 0.0625), ("virginica", 0.0625))  # a tie: the contract's order
    assert answer["predictions"] == [{"decision": "versicolor", "probabilities": expected}] * 2
    assert set(answer) == {"predictions", "model_version", "model_label", "request_id"}


def test_a_decision_has_the_type_of_the_label(tmp_path: Path) -> None:
    (found,) = ask(tmp_path, DOORS, [0.25, 0.25, 0.5]).raise_for_status().json()["predictions"]
    assert found == {"decision": 5, "probabilities": ranked((5, 0.5), (3, 0.25), (4, 0.25))}


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_first_classes_only(tmp_path: Path, most: int) -> None:
    (found,) = ask(tmp_path, FLOWER, [0.125, 0.25, 0.625], f"?top_k={most}").raise_for_status().json()["predictions"]
    every = ranked(("virginica", 0.625), ("versicolor", 0.25), ("setosa", 0.125))
    assert found == {"decision": "virginica", "probabilities": every[:most]}


@pytest.mark.parametrize("given", ["top_k=0", "top_k=4", "top_k=-1", "top_k=1.0", "top_k=", "top_k=1&top_k=2"])
def test_numbers_of_classes_that_are_refused(tmp_path: Path, given: str) -> None:
    answer = ask(tmp_path, FLOWER, [0.125, 0.25, 0.625], f"?{given}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_top_k")
    assert "top_k: expected one whole number from 1 to 3, received" in answer.json()["detail"]


def test_a_number_has_no_classes(tmp_path: Path) -> None:
    answer = ask(tmp_path, PRICE, [8.25], "?top_k=1")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_top_k")


def test_a_value_and_its_unit(tmp_path: Path) -> None:
    answer = ask(tmp_path, PRICE, [-8.25]).raise_for_status().json()
    assert answer["predictions"] == [{"value": -8.25, "unit": "USD", "interval": None}]


def test_the_interval_of_a_version(tmp_path: Path) -> None:
    """It travels with the version: the next one may have another, or none."""
    PRICE.write(tmp_path)
    model = PRICE.model(tmp_path, [8.25])
    model.signatures = {"interval": {"low": [-2.5], "high": [2.5], "level": [0.9]}}
    with tasks.running(tmp_path, {PRICE: model}) as client:

        def interval() -> Any:
            return client.post("/v1/price", json=ROW).raise_for_status().json()["predictions"][0]["interval"]

        assert interval() == {"low": 5.75, "high": 10.75, "level": 0.9}
        model.versions, model.signatures = ["2"], {"interval": {"low": [-1.0], "high": [0.5], "level": [0.5]}}
        until(lambda: interval() == {"low": 7.25, "high": 8.75, "level": 0.5}, "the interval of version 2")
        model.versions, model.signatures = ["3"], {}
        until(lambda: interval() is None, "no interval of version 3")


@pytest.mark.parametrize("said", [
    {}, {"low": [-1.0], "high": [1.0]}, {"low": [1.0], "high": [2.0], "level": [0.9]},
    {"low": [-1.0], "high": [1.0], "level": [1.0]}, {"low": ["-1"], "high": [1.0], "level": [0.9]},
], ids=str)  # fmt: skip
def test_a_version_whose_interval_is_none_is_not_taken(tmp_path: Path, said: Any) -> None:
    PRICE.write(tmp_path)
    model = PRICE.model(tmp_path, [8.25])
    model.signatures = {"interval": said}
    with tasks.running(tmp_path, {PRICE: model}) as client:
        assert client.get("/readyz").status_code == 503


def test_a_canary_whose_interval_is_none_gets_no_requests(tmp_path: Path) -> None:
    """The stable version answers: what is wrong with a version on trial is no caller's trouble."""
    PRICE.write(tmp_path)
    (tmp_path / "traffic.json").write_text('{"canary_percent": 100}')
    model = PRICE.model(tmp_path, [8.25])
    model.labels = {"stable": "1"}
    model.signatures = {"interval": {"low": [-2.5], "high": [2.5], "level": [0.9]}}
    with tasks.running(tmp_path, {PRICE: model}, {"traffic": str(tmp_path / "traffic.json")}) as client:
        assert client.post("/v1/price", json=ROW).json()["model_version"] == "1"
        model.versions, model.labels = ["1", "2"], {"stable": "1", "canary": "2"}
        model.signatures = {"interval": {}}
        time.sleep(0.01)  # resolve_seconds
        answer = client.post("/v1/price", json=ROW)
        assert (answer.status_code, answer.json()["model_version"]) == (200, "1")


WRONG: list[tuple[Task, Any]] = [
    (FLOWER, [0.5, 0.5]),
    (FLOWER, [0.5, 0.5, 0.5]),
    (FLOWER, [-0.5, 0.5, 1.0]),
    (FLOWER, [True, 0, 0]),
    (FLOWER, 1.0),
    (PRICE, [1.0, 2.0]),
    (PRICE, ["8.25"]),
    (PRICE, [float("nan")]),
    (PRICE, [1e39]),
    (PRICE, [None]),
]


@pytest.mark.parametrize(("task", "said"), WRONG, ids=str)
def test_an_answer_that_is_none(tmp_path: Path, task: Task, said: Any) -> None:
    answer = ask(tmp_path, task, said)
    assert (answer.status_code, answer.json()["code"]) == (502, "bad_model_answer")


@pytest.mark.parametrize(("outputs", "status"), [
    ({"predictions": [-1, 3]}, 200), ({"predictions": None}, 200),  # None: the metadata does not say; each answer does
    ({"predictions": [-1, 2]}, 503), ({"predictions": [-1, 4]}, 503), ({"predictions": [-1]}, 503),
    ({"other": [-1, 3]}, 503),
])  # fmt: skip
def test_a_version_of_another_width_is_not_taken(tmp_path: Path, outputs: Any, status: int) -> None:
    """A class too many or too few would shift all names after it."""
    FLOWER.write(tmp_path)
    model = FLOWER.model(tmp_path, [0.125, 0.25, 0.625])
    model.outputs = outputs
    with tasks.running(tmp_path, {FLOWER: model}) as client:
        assert client.get("/readyz").status_code == status


def test_classes_that_the_contract_does_not_list(tmp_path: Path) -> None:
    task = Task(name="free", kind="multiclass", label="type: BYTES", width=3)
    with pytest.raises(
        ContractError, match=r"the classes of answer are not known: expected a string domain that lists"
    ):
        create_app(load_all([task.write(tmp_path)], environ={}), {})


def logged(folder: Path, task: Task) -> tuple[list[dict[str, Any]], Any]:
    (file,) = log_files(folder / "requests" / task.name)
    table = pq.read_table(file)
    return table.to_pylist(), table.schema


def test_what_is_logged_of_classes(tmp_path: Path) -> None:
    ask(tmp_path, FLOWER, [0.125, 0.25, 0.625], "?top_k=1").raise_for_status()
    (row,), schema = logged(tmp_path, FLOWER)
    assert (row["answer_class"], row["answer_probabilities"]) == ("virginica", [0.125, 0.25, 0.625])
    assert columns.classes(schema) == NAMES
    assert not {"answer_probability", "answer_decision", "answer_value"} & set(row)
    assert columns.feature_columns(schema) == ["size", "colour"]
    ask(tmp_path, DOORS, [0.5, 0.25, 0.25]).raise_for_status()
    assert logged(tmp_path, DOORS)[0][0]["answer_class"] == 3


def test_what_is_logged_of_a_value(tmp_path: Path) -> None:
    ask(tmp_path, PRICE, [8.25]).raise_for_status()
    (row,), schema = logged(tmp_path, PRICE)
    assert row["answer_value"] == 8.25
    assert not {"answer_probability", "answer_class", "answer_probabilities"} & set(row)
    assert columns.classes(schema) == ()


def test_outcomes_are_values_of_the_label(tmp_path: Path) -> None:
    FLOWER.write(tmp_path)
    with tasks.running(tmp_path, {FLOWER: FLOWER.model(tmp_path, [0.125, 0.25, 0.625])}) as client:
        for _ in range(2):  # asked again with the same id, and answered alike: it is one request
            client.post("/v1/flower", json=ROW, headers={"X-Request-ID": "one"}).raise_for_status()
        outcome = {"request_id": "one", "outcome": "setosa"}
        assert client.post("/v1/flower/feedback", json=outcome | {"outcome": "rosa"}).status_code == 422
        assert client.post("/v1/flower/feedback", json=outcome).json()["stored"] == 1
        assert client.post("/v1/feedback", json=outcome).json()["code"] == "duplicate_outcome"  # of one task: the same


def test_an_outcome_between_two_classes_is_none(tmp_path: Path) -> None:
    """A class that no output of the model stands for would spoil what is measured and trained later."""
    tags = "".join(f'tag: "class:{doors}" ' for doors in (2, 3, 5))
    task = Task(name="doors", kind="multiclass", label=f"type: INT annotation {{ {tags}}}", width=3)
    task.write(tmp_path)
    with tasks.running(tmp_path, {task: task.model(tmp_path, [0.125, 0.25, 0.625])}) as client:
        client.post("/v1/doors", json=ROW, headers={"X-Request-ID": "one"}).raise_for_status()
        refused = client.post("/v1/doors/feedback", json={"request_id": "one", "outcome": 4})
        assert (refused.status_code, refused.json()["detail"]) == (
            422, "row 0, outcome: expected one of 2, 3, 5, received 4."
        )  # fmt: skip
        schema = client.get("/openapi.json").json()["components"]["schemas"]["Outcome"]["properties"]["outcome"]
        assert schema["enum"] == [2, 3, 5]
        assert client.post("/v1/doors/feedback", json={"request_id": "one", "outcome": 5}).json()["stored"] == 1


@pytest.mark.parametrize(("task", "said", "expected"), [
    (FLOWER, lambda size: [0, 1 - size / 10, size / 10], {"class": "virginica", "probability": 0.75, "base": 0.5}),
    (PRICE, lambda size: [size], {"value": 7.5, "base": 5.0}),
])  # fmt: skip
def test_what_is_explained(tmp_path: Path, task: Task, said: Any, expected: dict[str, Any]) -> None:
    """Of several classes, the probability of the one that is decided for."""
    task.write(tmp_path)
    (tmp_path / "background.json").write_text(json.dumps([ROW | {"size": size} for size in (4.0, 6.0)]))
    model = task.model(tmp_path, None)
    model.predict = lambda inputs: [said(size) for size in inputs["size"]]
    flags = {"explanation.background": str(tmp_path / "background.json")}
    with tasks.running(tmp_path, {task: model}, flags) as client:
        answer = client.post(f"/v1/{task.name}/explanation", json=ROW | {"size": 7.5}).raise_for_status().json()
    assert {name: answer[name] for name in expected} == expected
    assert answer["contributions"] == [
        {"field": "size", "contribution": 0.25 if task == FLOWER else 2.5},
        {"field": "colour", "contribution": 0.0},
    ]


@pytest.mark.parametrize(("task", "said"), [(FLOWER, [0.125, 0.25, 0.625]), (DOORS, [0, 0, 1]), (PRICE, [8.25])])
def test_the_description_is_true(tmp_path: Path, task: Task, said: Any) -> None:
    task.write(tmp_path)
    with tasks.running(tmp_path, {task: task.model(tmp_path, said)}) as client:
        answer = client.post(f"/v1/{task.name}", json=ROW).json()
        description = client.get("/openapi.json").json()
    operation = description["paths"][f"/v1/{task.name}"]["post"]
    model = response_model(read_target(load(tmp_path / f"{task.name}.toml", {})))
    assert model.model_validate(answer, strict=True).model_dump(by_alias=True) == answer
    with pytest.raises(pydantic.ValidationError):
        model.model_validate(answer | {"predictions": [{"decision": None, "value": "a", "probabilities": 1}]})
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": f"#/components/schemas/{model.__name__}"}
    assert set(description["components"]["schemas"][model.__name__]["properties"]) == set(answer)
    assert [each["name"] for each in operation.get("parameters", [])] == (["top_k"] if task != PRICE else [])
    size = description["components"]["schemas"][task.name.capitalize()]["properties"]["size"]
    assert (size["title"], size["description"], size["x-unit"]) == ("Petal size", "Measured at noon (cm)", "cm")


def test_metrics_count_classes(tmp_path: Path) -> None:
    FLOWER.write(tmp_path)
    with tasks.running(tmp_path, {FLOWER: FLOWER.model(tmp_path, [0.125, 0.25, 0.625])}) as client:
        client.post("/v1/flower", json=[ROW, ROW]).raise_for_status()
        text = client.get("/metrics").text
    assert 'gateway_predictions_total{decision="virginica",label="",model_version="1"} 2.0' in text


def test_bounds_of_an_interval_have_the_digits_of_a_float32() -> None:
    interval = Interval(low=-139.2, high=160.10001, level=0.9)
    assert interval.around(0.3) == {"low": -138.9, "high": 160.40001, "level": 0.9}
    assert (0.3 - 139.2, 0.3 + 160.10001) != (-138.9, 160.40001)
    double = 1578.480123456789  # an output in double precision
    assert interval.around(double)["low"] == double - 139.2
    assert Interval(low=0.0, high=3e38, level=0.9).around(3e38)["high"] == 6e38, "no float32"
