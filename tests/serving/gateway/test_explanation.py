"""POST /v1/tip/explanation, before a model whose reasons are known."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from serving.gateway.app import create_app
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
    assert len(model.asked) == 1, "one request, so that one version answers"


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
