"""Two tasks beside the taxi's, for what a gateway answers and shows: several classes, and a number."""

from pathlib import Path
from typing import Any

from serving import contract as contracts
from serving.gateway.settings import GatewaySettings, load
from tests.serving.gateway.scripted_model import ScriptedModel

_MISSING = 'annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }'
_ALWAYS = "presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }"
_SOMETIMES = "presence { min_count: 1 } value_count { min: 0 max: 1 }"
_LABEL = f'not_in_environment: "SERVING" {_ALWAYS}'
_ENVIRONMENTS = 'default_environment: "TRAINING" default_environment: "SERVING"'

IRIS_CONTRACT = f"""
{_MISSING} {_ENVIRONMENTS}
feature {{
  name: "petal_length" type: FLOAT {_ALWAYS} float_domain {{ min: 0.1 max: 10 }}
  annotation {{ comment: "Of the longest petal" tag: "unit:cm" tag: "example:5.1" }}
}}
feature {{
  name: "petal_width" type: FLOAT {_ALWAYS} float_domain {{ min: 0.1 max: 5 }}
  annotation {{ comment: "Of the same petal" tag: "unit:cm" tag: "example:1.9" }}
}}
feature {{
  name: "site" type: BYTES {_SOMETIMES}
  annotation {{ comment: "Where it grew" tag: "label:Place" tag: "example:meadow" }}
}}
feature {{
  name: "species" type: BYTES {_LABEL}
  string_domain {{ value: "setosa" value: "versicolor" value: "virginica" }}
}}
"""
IRIS_SETTINGS = """
endpoint = "iris"
title = "Iris species"
description = "Which of three species is this iris?"
row_name = "Flower"
kind = "multiclass"
contract = "iris.pbtxt"
[model]
name = "iris"
"""
CLASSES = ["setosa", "versicolor", "virginica"]

PRICE_CONTRACT = f"""
{_MISSING} {_ENVIRONMENTS}
feature {{
  name: "carat" type: FLOAT {_ALWAYS} float_domain {{ min: 0.1 max: 6 }}
  annotation {{ comment: "0.2 grams each" tag: "label:Weight" tag: "unit:carat" tag: "example:0.71" }}
}}
feature {{
  name: "cut" type: BYTES {_ALWAYS} string_domain {{ value: "Fair" value: "Good" value: "Ideal" }}
  distribution_constraints {{ min_domain_mass: 1 }} annotation {{ tag: "example:Ideal" }}
}}
feature {{
  name: "price" type: FLOAT {_LABEL} annotation {{ comment: "In 2017" tag: "unit:USD" }}
}}
"""
PRICE_SETTINGS = """
endpoint = "price"
title = "Price of a diamond"
description = "What is a diamond worth?"
row_name = "Diamond"
kind = "regression"
contract = "price.pbtxt"
[model]
name = "price"
"""


def write(folder: Path, server: str) -> tuple[GatewaySettings, GatewaySettings]:
    """Writes contracts and settings of both, and reads them: iris, price."""
    quick: dict[str, Any] = {"model.server": server, "model.resolve_seconds": 0.001, "limits.requests_per_second": 0}
    found = []
    for name, contract, settings in (("iris", IRIS_CONTRACT, IRIS_SETTINGS), ("price", PRICE_CONTRACT, PRICE_SETTINGS)):
        (folder / f"{name}.pbtxt").write_text(contract)
        (folder / f"{name}.toml").write_text(settings)
        found.append(load(folder / f"{name}.toml", {}, quick))
    return found[0], found[1]


def iris_model(settings: GatewaySettings) -> ScriptedModel:
    """Its probabilities are those of the same three for every row."""
    return ScriptedModel(
        contracts.read(settings.contract),
        predict=lambda inputs: [[0.02, 0.07, 0.91]] * len(inputs["petal_width"]),
        outputs={"predictions": [-1, len(CLASSES)]},
    )


def price_model(settings: GatewaySettings) -> ScriptedModel:
    """A price by weight."""
    return ScriptedModel(
        contracts.read(settings.contract), predict=lambda inputs: [[carat * 4000.5] for carat in inputs["carat"]]
    )
