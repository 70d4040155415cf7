"""The page at / and the API's documentation, in a browser."""

import dataclasses
import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from serving.contract import Contract
from serving.gateway.page import render
from tests.browser import Tab
from tests.serving.gateway.conftest import Start, settings
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

Trip = dict[str, Any]


def origin(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


def quiet(tab: Tab, client: httpx.Client, refusals: int = 0) -> None:
    """Nothing went wrong on the page, and nobody but the gateway was asked. A browser notes each refused request."""
    assert tab.page_errors == []
    assert len(tab.console_errors) == refusals, tab.console_errors
    assert tab.requests_beyond(origin(client)) == []


def test_what_is_required_is_in_sight_and_filled_in(
    client: httpx.Client, model: ScriptedModel, contract: Contract, trip: Trip, tab: Tab
) -> None:
    model.versions, model.labels = ["7"], {"stable": "7"}
    model.predict = lambda inputs: [[0.731]]
    page = tab.page
    page.goto(origin(client))
    assert page.title() == "Taxi tip"
    for feature in contract.features:
        field = page.locator(f"#field-{feature.name}")
        example = "2015-07-16T14:45" if feature.clock else str(feature.example)
        assert field.input_value() == (example if feature.asked else "")
        assert field.is_visible() is feature.asked
        assert (field.get_attribute("required") is not None) is feature.asked
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#decision")).to_have_text("Tip of more than 20%")
    expect(page.locator("#gauge-text")).to_have_text("73.1%")
    expect(page.locator("#version")).to_have_text("7 (stable)")
    assert page.locator("#latency").inner_text().endswith(" ms)")
    assert page.locator("#gauge-fill").get_attribute("stroke-dasharray") == "73.1 200"
    # What was sent is what was in sight: the model sees what the API would have been sent.
    told = {feature.name: trip[feature.name] for feature in contract.features if feature.required}
    assert model.asked[0][1]["inputs"] == contract.inputs([told])  # the hour, the weekday and the month too
    sent = {feature.name: trip[feature.name] for feature in contract.features if feature.asked}
    sent["trip_start_timestamp"] = "2015-07-16T14:45"
    page.get_by_text("The same from a shell").click()
    shell = page.locator("#curl").inner_text()
    assert f"{origin(client)}/v1/tip" in shell
    assert json.loads(shell.split("-d '")[1].split("'")[0]) == sent
    quiet(tab, client)


def test_the_example(client: httpx.Client, model: ScriptedModel, contract: Contract, trip: Trip, tab: Tab) -> None:
    page = tab.page
    page.goto(origin(client))
    page.get_by_label("Fare").fill("9")
    page.get_by_role("button", name="Example").click()
    expect(page.locator("#optional-count")).to_have_text("9 filled in")
    page.get_by_label("Company").fill("")
    expect(page.locator("#optional-count")).to_have_text("8 filled in")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#result")).to_be_visible()
    del trip["company"]
    assert model.asked[0][1]["inputs"] == contract.inputs([trip])
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#optional-count")).to_have_text("all empty")
    quiet(tab, client)


def test_what_is_wrong_with_a_folded_field_unfolds_it(client: httpx.Client, tab: Tab) -> None:
    page = tab.page
    page.goto(origin(client))
    page.locator("summary", has_text="Optional").click()
    page.get_by_label("Duration").fill("9007199254740993")
    page.locator("summary", has_text="Optional").click()
    expect(page.get_by_label("Duration")).to_be_hidden()
    page.get_by_role("button", name="Predict").click()
    # 2^53 + 1 is no JavaScript number; the gateway is sent what was typed all the same.
    expect(page.locator("#error-trip_seconds")).to_contain_text("received 9007199254740993")
    expect(page.get_by_label("Duration")).to_be_visible()
    quiet(tab, client, refusals=1)


def test_the_other_decision(client: httpx.Client, model: ScriptedModel, tab: Tab) -> None:
    model.predict = lambda inputs: [[0.02]]
    tab.page.goto(origin(client))
    tab.page.locator("#field-fare").press("Enter")  # as people send forms
    expect(tab.page.locator("#decision")).to_have_text("No tip of more than 20%")
    expect(tab.page.locator("#version")).to_have_text("1")
    quiet(tab, client)


def test_what_is_wrong_stands_beside_the_field(client: httpx.Client, model: ScriptedModel, tab: Tab) -> None:
    page = tab.page
    page.goto(origin(client))
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#result")).to_be_visible()
    page.get_by_label("Fare").fill("12,5")
    page.get_by_label("Distance").fill("")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#error-fare")).to_have_text('Expected a number from 0 to 1000, received "12,5"')
    expect(page.locator("#error-trip_miles")).to_have_text("Expected a number from 0 to 2000, received nothing")
    expect(page.locator("#error-trip_seconds")).to_be_hidden()
    expect(page.locator("#result")).to_be_hidden()  # an answer to other values
    expect(page.get_by_role("alert")).to_be_focused()
    assert page.get_by_label("Fare").get_attribute("aria-invalid") == "true"
    page.get_by_role("link", name="Fare").click()
    expect(page.get_by_label("Fare")).to_be_focused()
    page.get_by_label("Fare").fill("12.5")
    page.get_by_label("Distance").fill("3")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#result")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert page.get_by_label("Fare").get_attribute("aria-invalid") is None
    assert (model.asked[-1][1]["inputs"]["fare"], model.asked[-1][1]["inputs"]["trip_miles"]) == ([12.5], [3.0])
    quiet(tab, client, refusals=1)


def test_a_value_beyond_the_known_ones(client: httpx.Client, model: ScriptedModel, tab: Tab) -> None:
    page = tab.page
    page.goto(origin(client))
    choice = page.locator("#field-payment_type")
    assert choice.locator("option").all_inner_texts() == [
        "Cash", "Credit Card", "Dispute", "No Charge", "Pcard", "Prcard", "Unknown", "another value",
    ]  # fmt: skip
    choice.select_option(label="another value")
    page.get_by_label("payment type, another value").fill("Mobile")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#result")).to_be_visible()
    assert model.asked[-1][1]["inputs"]["payment_type"] == ["Mobile"]
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#other-payment_type")).to_be_hidden()
    assert choice.input_value() == "Credit Card"
    quiet(tab, client)


def test_strings_with_line_breaks_stay_what_they_are(contract: Contract, tab: Tab) -> None:
    hard = ("a\nb", "a\rb", "a\r\nb", " a", '"<&', "(missing)")
    features = tuple(
        dataclasses.replace(feature, known=hard)
        if feature.name == "payment_type"
        else dataclasses.replace(feature, example="a\nb")
        if feature.name == "company"
        else feature
        for feature in contract.features
    )
    page = render.page(settings("http://127.0.0.1"), dataclasses.replace(contract, features=features), key_needed=False)
    tab.page.set_content(page)
    values = tab.page.locator("#field-payment_type option:not([data-other])").evaluate_all(
        "options => options.map(one => one.value)"
    )
    assert [value for value in values if value] == list(hard)
    assert tab.page.locator("#field-company").input_value() == ""


def test_names_with_blanks_have_one_id_each(contract: Contract, tab: Tab) -> None:
    features = tuple(
        dataclasses.replace(feature, name=f"{feature.name} ($) \"'&<")
        for feature in contract.features
        if not feature.part
    )
    page = render.page(settings("http://127.0.0.1"), dataclasses.replace(contract, features=features), key_needed=False)
    tab.page.set_content(page)
    required = [feature for feature in features if feature.asked]
    optional = [feature for feature in features if not feature.asked]
    controls = tab.page.locator(".field[data-name] > [aria-describedby]:not(.other)")
    assert controls.evaluate_all(
        """controls => controls.map(one => [one.name, one.labels.length, ...one.getAttribute("aria-describedby")
          .split(" ").map(id => document.getElementById(id).className)])"""
    ) == [[name, 1, "hint", "error"] for name in (one.name for one in required + optional)]


def test_no_model(client: httpx.Client, model: ScriptedModel, tab: Tab) -> None:
    model.versions = []
    tab.page.goto(origin(client))
    tab.page.get_by_role("button", name="Predict").click()
    expect(tab.page.get_by_role("alert")).to_have_text("No model answers at the moment; try again in 2 s.")
    quiet(tab, client, refusals=1)


def test_a_key_is_asked_for_where_one_is_needed(start: Start, tab: Tab) -> None:
    client = start(environ={"GATEWAY_API_KEYS": "app:0123456789abcdef"})
    page = tab.page
    page.goto(origin(client))
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_contain_text("The request has no valid API key")
    page.get_by_label("API key").fill("0123456789abcdef")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#result")).to_be_visible()
    assert "0123456789abcdef" not in page.locator("#curl").text_content()
    quiet(tab, client, refusals=1)


def test_phones_and_desks_by_day_and_by_night(client: httpx.Client, tab: Tab) -> None:
    page = tab.page
    grounds = set()
    for width in (320, 390, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(origin(client))
            expect(page.get_by_role("button", name="Predict")).to_be_in_viewport(ratio=1)
            page.get_by_role("button", name="Predict").click()
            expect(page.locator("#decision")).to_be_in_viewport(ratio=1)
            actions, decision = (page.locator(name).bounding_box() for name in (".actions", "#decision"))
            assert actions
            assert decision
            below = actions["y"] + actions["height"] <= decision["y"]
            assert below or decision["y"] + decision["height"] <= actions["y"], (width, "the bar hides the answer")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (width, scheme)
            grounds.add((scheme, page.evaluate("getComputedStyle(document.body).backgroundColor")))
    assert grounds == {("light", "rgb(245, 246, 248)"), ("dark", "rgb(17, 20, 26)")}


def test_names_for_screen_readers(client: httpx.Client, tab: Tab) -> None:
    tab.page.goto(origin(client))
    expect(tab.page.get_by_label("Choose a CSV file, or drop it here")).to_be_visible()
    assert tab.page.locator("form input, form select").count() == 18  # one beside the list of known values
    for control in tab.page.locator("form input, form select").all():
        name = control.evaluate("it => (it.labels && it.labels[0] && it.labels[0].textContent) || it.ariaLabel")
        assert name, control.get_attribute("id")
        described = control.get_attribute("aria-describedby") or ""
        assert described, control.get_attribute("id")
        for place in described.split():
            assert tab.page.locator(f"#{place}").count() == 1


def test_the_documentation_without_the_internet(client: httpx.Client, model: ScriptedModel, tab: Tab) -> None:
    page = tab.page
    page.goto(f"{origin(client)}/docs")
    page.locator("#operations-prediction-predict_tip .opblock-summary").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    assert len(model.asked) == 1  # with the example that stands there
    quiet(tab, client)
