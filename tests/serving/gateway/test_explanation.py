"""POST /v1/tip/explanation, before a model whose reasons are known."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from serving.contract import Contract
from serving.gateway import explanation
from serving.gateway.app import create_app
from serving.gateway.contributions import count_rows
from serving.gateway.settings import SettingsError
from tests.browser import Tab
from tests.serving.gateway.conftest import Start, settings
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

Trip = dict[str, Any]
ROUTE = "/v1/tip/explanation"


@pytest.fixture
def background(tmp_path: Path, trip: Trip) -> Path:
    path = tmp_path / "background.json"
    others = [{"payment_type": "Cash", "fare": fare, "company": None} for fare in (5.0, 10.0, 15.0)]
    path.write_text(json.dumps([trip | other for other in others]))
    return path


@pytest.fixture
def client(start: Start, model: ScriptedModel, background: Path) -> httpx.Client:
    model.predict = lambda inputs: [
        [0.1 + 0.5 * (payment == "Credit Card") + 0.01 * fare]
        for payment, fare in zip(inputs["payment_type"], inputs["fare"], strict=True)
    ]
    return start({"explanation.background": str(background)})


def test_contributions_add_up_and_name_the_reasons(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    said = client.post(ROUTE, json=trip | {"payment_type": "Credit Card", "fare": 20.0}).json()
    assert said["probability"] == pytest.approx(0.8)
    assert said["base"] == pytest.approx(0.2)
    first, second, *rest = said["contributions"]
    assert first == {"field": "payment_type", "contribution": pytest.approx(0.5)}
    assert second == {"field": "fare", "contribution": pytest.approx(0.1)}
    assert [one["contribution"] for one in rest] == [pytest.approx(0)] * (len(model.contract.features) - 2)
    assert said["model_version"] == "1"


def test_parts_are_no_larger_than_a_request_for_predictions(
    start: Start, client: httpx.Client, model: ScriptedModel, background: Path, trip: Trip
) -> None:
    """Batching on the model server refuses more rows than its largest batch."""
    row = trip | {"payment_type": "Credit Card", "fare": 20.0}
    whole = client.post(ROUTE, json=row).json()
    (_, body), *others = model.asked
    assert others == []
    in_parts = start({"explanation.background": str(background), "limits.rows": 4})
    said = in_parts.post(ROUTE, json=row).json()
    assert said | {"request_id": ""} == whole | {"request_id": ""}
    sizes = [len(asked["inputs"]["fare"]) for _, asked in model.asked[1:]]
    assert (max(sizes), sum(sizes)) == (4, len(body["inputs"]["fare"]))


def test_one_version_answers_all_parts(start: Start, model: ScriptedModel, background: Path, trip: Trip) -> None:
    always = {"model.resolve_seconds": 1e-9}  # looks the label up for each part
    client = start({"explanation.background": str(background), "limits.rows": 4, **always})
    model.versions, model.labels = ["1", "2"], {"stable": "1", "canary": "2"}
    answers = model.predict

    def promote(inputs: dict[str, list[Any]]) -> Any:
        model.labels = {"stable": "2"}
        return answers(inputs)

    model.predict = promote
    said = client.post(ROUTE, json=trip | {"payment_type": "Credit Card"}).json()
    assert said["model_version"] == "2"
    paths = [path for path, _ in model.asked]
    assert "/versions/1" in paths[0]
    answered = (len(paths) // 2) * ["/versions/2"]
    assert [path[path.index("/versions/") :].removesuffix(":predict") for path in paths[len(paths) // 2 :]] == answered

    def swap(inputs: dict[str, list[Any]]) -> Any:
        model.labels = {"stable": "1" if model.labels["stable"] == "2" else "2"}
        return answers(inputs)

    model.predict = swap
    refused = client.post(ROUTE, json=trip | {"payment_type": "Credit Card"})
    assert (refused.status_code, refused.json()["code"]) == (503, "no_model")


def test_the_canary_explains_nothing(start: Start, model: ScriptedModel, background: Path, trip: Trip) -> None:
    client = start({"explanation.background": str(background)})
    model.versions, model.labels = ["1", "2"], {"stable": "1", "canary": "2"}
    assert client.post(ROUTE, json=trip).json()["model_version"] == "1"
    assert all("/versions/1" in path for path, _ in model.asked)


def test_a_key_is_needed_and_the_rate_counts(start: Start, background: Path, trip: Trip) -> None:
    flags = {"explanation.background": str(background), "limits.requests_per_second": 2}
    client = start(flags, {"GATEWAY_API_KEYS": "reader:0123456789abcdef0123456789abcdef"})
    assert client.post(ROUTE, json=trip).status_code == 401
    client.headers["X-API-Key"] = "0123456789abcdef0123456789abcdef"
    assert 429 in [client.post(ROUTE, json=trip).status_code for _ in range(8)]


def test_too_many_at_once_are_turned_away(start: Start, model: ScriptedModel, background: Path, trip: Trip) -> None:
    client = start({"explanation.background": str(background), "explanation.at_once": 1, "model.total_seconds": 2})
    model.faults = ["hang"]
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(client.post, ROUTE, json=trip)
        while not model.asked:
            time.sleep(0.01)
        second = client.post(ROUTE, json=trip)
        assert (second.status_code, second.json()["code"]) == (503, "busy")
        assert second.headers["Retry-After"] == "2"
        assert first.result().status_code == 504
    assert client.post(ROUTE, json=trip).status_code == 200, "what failed holds no place"


def test_what_would_cost_too_much_ends_the_start(
    background: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = count_rows(3, len(contract.features), 2)
    monkeypatch.setattr(explanation, "MOST_ASKED", most)
    flags: dict[str, Any] = {"explanation.background": str(background)}
    create_app(settings("http://127.0.0.1:1", flags | {"explanation.orders": 2}), {})
    with pytest.raises(
        ValueError, match=rf"expected at most {most} predicted rows .* \(3 background rows, .*, 3 orders\)"
    ):
        create_app(settings("http://127.0.0.1:1", flags | {"explanation.orders": 3}), {})


def test_a_row_that_breaks_the_contract_and_two_rows(client: httpx.Client, trip: Trip) -> None:
    wrong = client.post(ROUTE, json=trip | {"fare": -1})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "fare")
    two = client.post(ROUTE, json=[trip, trip])
    assert (two.status_code, two.json()["code"]) == (413, "too_many_rows")


def test_a_model_that_does_not_answer(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.busy = True
    refused = client.post(ROUTE, json=trip)
    assert (refused.status_code, refused.json()["code"]) == (503, "no_model")
    assert refused.headers["Retry-After"] == "2"


def test_without_the_setting_there_is_none(start: Start, trip: Trip) -> None:
    client = start()
    assert client.post(ROUTE, json=trip).status_code == 404
    assert "Why?" not in client.get("/").text
    assert ROUTE not in client.get("/openapi.json").json()["paths"]


def test_it_is_described(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    answers = described["paths"][ROUTE]["post"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ExplanationResponse"
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nothing", r"expected a JSON list of rows, received something else"),
        ("[]", r"expected a list of 1 to 50 rows, received 0"),
        ('{"fare": 1}', r"expected a list of 1 to 50 rows, received dict"),
        ('[{"fare": -1}]', r"row 0, .*: expected "),
    ],
)
def test_a_background_that_cannot_be_used_ends_the_start(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "background.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=said):
        create_app(settings("http://127.0.0.1:1", {"explanation.background": str(path)}), {})


def test_a_mistyped_setting_is_named(background: Path) -> None:
    with pytest.raises(SettingsError, match=r"explanation\.order is unknown: did you mean 'orders'"):
        settings("http://127.0.0.1:1", {"explanation.background": str(background), "explanation.order": 2})


def test_the_page_says_why(client: httpx.Client, tab: Tab) -> None:
    page = tab.page
    page.goto(str(client.base_url))
    page.locator("#field-payment_type").select_option("Credit Card")
    page.locator("#field-fare").fill("20")
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#because-note")).to_have_text("In percentage points, from 20.0% on average to 80.0%.")
    assert page.locator("#contributions li").all_inner_texts() == ["Payment type\n+50.0", "Fare\n+10.0"]
    page.locator("#field-fare").fill("5")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#because")).to_be_hidden()
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#contributions li").nth(1)).to_have_text("Fare−5.0")
    assert tab.page_errors == []
    assert tab.console_errors == []


def test_the_page_says_that_another_version_explains(client: httpx.Client, model: ScriptedModel, tab: Tab) -> None:
    page = tab.page
    page.goto(str(client.base_url))
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#version")).to_have_text("1")
    model.versions = ["2"]
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#because-note")).to_contain_text(" Explained by version 2, predicted by version 1.")
