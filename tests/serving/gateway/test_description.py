"""The OpenAPI description is valid and true."""

from typing import Any

import httpx
import pytest

from serving.contract import Contract
from tests.serving.gateway.scripted_model import ScriptedModel

Trip = dict[str, Any]


@pytest.fixture
def description(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(description)} <= set(schemas)
    assert {"Trip", "PredictionResponse", "RowPrediction", "ProblemDetails", "FieldProblem"} <= set(schemas)
    assert set(description["paths"]) == {"/v1/tip", "/v1/tip/csv", "/healthz", "/readyz"}


def test_the_row_is_the_contract(description: dict[str, Any], contract: Contract) -> None:
    trip = description["components"]["schemas"]["Trip"]
    assert list(trip["properties"]) == [feature.name for feature in contract.features]
    assert trip["required"] == [feature.name for feature in contract.features if feature.asked]


def test_the_examples_are_answered(client: httpx.Client, description: dict[str, Any]) -> None:
    examples = description["paths"]["/v1/tip"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == {"one", "several"}
    for example in examples.values():
        assert client.post("/v1/tip", json=example["value"]).status_code == 200


def test_every_problem_is_described(client: httpx.Client, description: dict[str, Any], model: ScriptedModel) -> None:
    responses = description["paths"]["/v1/tip"]["post"]["responses"]
    assert {int(status) for status in responses} == {200, 400, 401, 408, 413, 415, 422, 429, 500, 502, 503, 504}
    for status, response in responses.items():
        media_type = "application/json" if status == "200" else "application/problem+json"
        assert list(response["content"]) == [media_type]
    problem = client.post("/v1/tip", json=[]).json()
    assert set(problem) <= set(description["components"]["schemas"]["ProblemDetails"]["properties"])
