"""What the page says, without a browser."""

import dataclasses
from pathlib import Path

import pytest

from serving.contract import Contract
from serving.gateway.page.fields import fields
from serving.gateway.page.render import page
from serving.gateway.settings import GatewaySettings, load


@pytest.fixture(scope="module")
def settings() -> GatewaySettings:
    return load(Path(__file__).resolve().parents[3] / "serving/gateway/taxi.toml", {})


@pytest.mark.parametrize(("description", "hint"), [
    ("fare", ""), ("FARE ", ""), ("", ""), ("fare, in $", "fare, in $ · "),
])  # fmt: skip
def test_a_hint_does_not_repeat_the_label(contract: Contract, description: str, hint: str) -> None:
    (fare,) = (feature for feature in contract.features if feature.name == "fare")
    html = fields([dataclasses.replace(fare, description=description)])
    assert f'<p class="hint" id="hint-fare">{hint}from 0 to 1000</p>' in html


def test_the_page_says_that_an_example_is_filled_in(settings: GatewaySettings, contract: Contract) -> None:
    def told(*features: str, example: bool = True) -> str:
        chosen = [feature for feature in contract.features if feature.name in features]
        if not example:
            chosen = [dataclasses.replace(feature, example=None) for feature in chosen]
        html = page(settings, dataclasses.replace(contract, features=tuple(chosen)), key_needed=False)
        return html.partition('<p id="waiting" class="note">')[2].partition("</p>")[0]

    assert told("fare", "company") == "The form holds an example. Change it, or press Predict."
    assert told("company") == "Fill in the form, or use the example."
    assert told("fare", example=False) == "Fill in the form."
