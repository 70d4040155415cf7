"""Pages of several tasks, with an answer of each kind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Route, expect

from tests.browser import Tab
from tests.serving.gateway.tasks import FLOWER, NAMES, PRICE, TIP, running

pytestmark = pytest.mark.slow


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Serves a task of each kind."""
    for task in (TIP, FLOWER, PRICE):
        task.write(tmp_path)
    models = {
        TIP: TIP.model(tmp_path, [0.75]),
        FLOWER: FLOWER.model(tmp_path, [0.02, 0.07, 0.91]),
        PRICE: PRICE.model(tmp_path, [2840.355]),
    }
    with running(tmp_path, models) as client:
        yield str(client.base_url).rstrip("/")


def file(text: str) -> FilePayload:
    return {"name": "rows.csv", "mimeType": "text/csv", "buffer": text.encode()}


def test_from_the_list_to_each_answer(url: str, tab: Tab) -> None:
    page = tab.page
    page.goto(url)
    page.get_by_role("link", name="Flower").click()
    expect(page.get_by_role("navigation").locator("[aria-current=page]")).to_have_text("Flower")
    expect(page.locator("label[for=field-size]")).to_have_text("Petal size cm")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#decision")).to_have_text("virginica")
    assert page.locator("#classes li").all_inner_texts() == ["virginica\n91.0%", "versicolor\n7.0%", "setosa\n2.0%"]
    expect(page.locator("#more-classes")).to_be_hidden()
    page.locator("#csv-file").set_input_files(file("size;colour\n5.1;red\n"))
    expect(page.locator("#csv-summary")).to_have_text("1 row predicted: 1 × virginica")
    assert page.locator("#csv-preview th").all_inner_texts()[:4] == [
        "predicted_decision", *(f"predicted_probability_{name}" for name in NAMES)
    ]  # fmt: skip

    page.get_by_role("navigation").get_by_role("link", name="Price").click()
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#decision")).to_have_text("2,840.36 USD")
    expect(page.locator("#interval")).to_be_hidden()
    page.locator("#csv-file").set_input_files(file("colour,size\nred,1\nblue,2\n"))
    expect(page.locator("#csv-summary")).to_have_text("2 rows predicted, from 2,840.36 to 2,840.36")
    assert page.locator("#csv-preview th").all_inner_texts() == ["predicted_value", "colour", "size"]

    page.get_by_role("navigation").get_by_role("link", name="Tip").click()
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#gauge-text")).to_have_text("75.0%")
    assert (tab.page_errors, tab.console_errors, tab.requests_beyond(url)) == ([], [], [])


def test_many_classes_and_an_interval(url: str, tab: Tab) -> None:
    """Answers that the models here do not give."""

    def answer(route: Route) -> None:
        response = route.fetch()
        said = response.json()
        (prediction,) = said["predictions"]
        if "value" in prediction:
            prediction["interval"] = {"low": 2000.0, "high": 3680.72, "level": 0.9}
        else:
            prediction["probabilities"] = [{"class": place, "probability": 1 / 8} for place in range(8)]
        route.fulfill(response=response, json=said)

    page = tab.page
    page.route(re.compile("/v1/(price|flower)$"), answer)
    page.goto(f"{url}/price")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#interval .note")).to_have_text(
        "Of 100 such intervals, about 90 hold the true value: from 2,000 USD to 3,680.72 USD."
    )
    assert page.locator("#interval .mark").evaluate("mark => Math.round(parseFloat(mark.style.left))") == 50
    page.goto(f"{url}/flower")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#classes li")).to_have_count(5)
    page.get_by_text("3 less probable").click()
    expect(page.locator("#more-classes li").last).to_have_text("712.5%")
