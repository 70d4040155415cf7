"""Pages of several tasks, with an answer of each kind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from serving.gateway.app import create_app
from tests.browser import Tab
from tests.serving.gateway import other_tasks
from tests.serving.gateway.conftest import settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow


@pytest.fixture
def url(model: ScriptedModel, model_server: HttpServer, tmp_path: Path) -> Iterator[str]:
    """Serves a task of each kind."""
    iris, price = other_tasks.write(tmp_path, "http://127.0.0.1:1")
    with (
        HttpServer(other_tasks.iris_model(iris)) as iris_model,
        HttpServer(other_tasks.price_model(price)) as price_model,
    ):
        iris, _ = other_tasks.write(tmp_path, iris_model.url)
        _, price = other_tasks.write(tmp_path, price_model.url)
        with HttpServer(create_app([settings(model_server.url), iris, price], {})) as gateway:
            yield gateway.url


def test_from_the_list_to_each_answer(url: str, tab: Tab) -> None:
    page = tab.page
    page.goto(url)
    page.get_by_role("link", name="Iris species").click()
    expect(page.get_by_role("navigation").locator("[aria-current=page]")).to_have_text("Iris species")
    expect(page.locator("label[for=field-petal_length]")).to_have_text("Petal length cm")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#decision")).to_have_text("virginica")
    assert page.locator("#classes li").all_inner_texts() == ["virginica\n91.0%", "versicolor\n7.0%", "setosa\n2.0%"]
    expect(page.locator("#more-classes")).to_be_hidden()
    page.locator("#csv-file").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"petal_length;petal_width\n5.1;1.9\n"}
    )
    expect(page.locator("#csv-summary")).to_have_text("1 row predicted: 1 × virginica")
    assert page.locator("#csv-preview th").all_inner_texts()[:4] == [
        "predicted_decision", *(f"predicted_probability_{name}" for name in other_tasks.CLASSES)
    ]  # fmt: skip

    page.get_by_role("navigation").get_by_role("link", name="Price of a diamond").click()
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#decision")).to_have_text("2,840.36 USD")
    expect(page.locator("#interval")).to_be_hidden()
    page.locator("#csv-file").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"carat,cut\n1,Good\n2,Fair\n"}
    )
    expect(page.locator("#csv-summary")).to_have_text("2 rows predicted, from 4,000.5 to 8,001")

    page.get_by_role("navigation").get_by_role("link", name="Taxi tip").click()
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
    page.route(re.compile("/v1/(price|iris)$"), answer)
    page.goto(f"{url}/price")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#interval .note")).to_have_text(
        "Of 100 such intervals, about 90 hold the true value: from 2,000 USD to 3,680.72 USD."
    )
    assert page.locator("#interval .mark").evaluate("mark => Math.round(parseFloat(mark.style.left))") == 50
    page.goto(f"{url}/iris")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#classes li")).to_have_count(5)
    page.get_by_text("3 less probable").click()
    expect(page.locator("#more-classes li").last).to_have_text("712.5%")
