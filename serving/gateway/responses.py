"""The types of answers to prediction requests, one for each kind of task, for the API's description."""

from typing import Any

import pydantic
from pydantic import Field

from serving.contract import Kind, Value
from serving.contract.target import Target
from serving.problem import MULTICLASS, REGRESSION

_TYPES: dict[Kind, type[Value]] = {Kind.INT: int, Kind.FLOAT: float, Kind.BYTES: str}


class RowPrediction(pydantic.BaseModel):
    """The answer for one row."""

    probability: float = Field(ge=0, le=1, examples=[0.73])
    decision: bool = Field(examples=[True])


class ValueInterval(pydantic.BaseModel):
    """The interval that holds the true value in a share of cases."""

    low: float = Field(examples=[6.1])
    high: float = Field(examples=[10.9])
    level: float = Field(gt=0, lt=1, description="The share of cases.", examples=[0.9])


class RowValue(pydantic.BaseModel):
    """The answer for one row."""

    value: float = Field(examples=[8.35])
    unit: str | None = Field(description="The value's unit; null if the contract names none.", examples=["USD"])
    interval: ValueInterval | None = Field(
        description="The interval around the value; null if the model version has none."
    )


class _Response(pydantic.BaseModel):
    # pydantic reserves the prefix "model_" unless told otherwise.
    model_config = pydantic.ConfigDict(protected_namespaces=())

    model_version: str = Field(description="The version that answered.", examples=["1795253025"])
    model_label: str | None = Field(
        description="The label that selected the version; null on a model server without labels.",
        examples=["stable"],
    )
    request_id: str = Field(description="The X-Request-ID of the answer, which the log contains, too.")


def response_model(target: Target, name: str = "") -> type[pydantic.BaseModel]:
    """Make the type of an answer.

    Args:
        target: the kind of prediction.
        name: prefix of the types' names, where a gateway serves several tasks.

    Returns:
        A pydantic model.
    """
    row: type[pydantic.BaseModel] = RowPrediction
    if target.problem == MULTICLASS:
        row = _class_prediction(target, name)
    elif target.problem == REGRESSION:
        row = RowValue
    return pydantic.create_model(
        f"{name}PredictionResponse",
        __base__=_Response,
        __doc__="The answer to a request.",
        # A class made at run time: pydantic reads it, mypy cannot know it.
        predictions=(list[row], Field(description="One for each row, in the order of the request.")),  # type: ignore[valid-type]
    )


def _class_prediction(target: Target, name: str) -> type[pydantic.BaseModel]:
    assert target.kind is not None
    kind: Any = _TYPES[target.kind]
    first = target.classes[0]
    one = pydantic.create_model(
        f"{name}ClassProbability",
        __doc__="The probability of one class.",
        class_=(kind, Field(alias="class", examples=[first])),
        probability=(float, Field(ge=0, le=1, examples=[0.91])),
    )
    return pydantic.create_model(
        f"{name}RowPrediction",
        __doc__="The answer for one row.",
        decision=(kind, Field(description="The most probable class.", examples=[first])),
        probabilities=(
            # Also made at run time.
            list[one],  # type: ignore[valid-type]
            Field(description=f"All {len(target.classes)} classes, or the first top_k; the most probable one first."),
        ),
    )
