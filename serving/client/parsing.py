"""Parse the answer for one row, by kind of task."""

from collections.abc import Mapping
from typing import Any

from serving.client.messages import ClassPrediction, ClassProbability, Prediction, ValueInterval, ValuePrediction

Common = Mapping[str, Any]  # the fields of serving.client.messages.Answer


def parse_prediction(each: Mapping[str, Any], common: Common) -> Prediction:
    """Parse the answer of a binary task.

    Args:
        each: the row's part of the answer.
        common: the answer's common fields, and the row's number.

    Returns:
        The prediction.

    Raises:
        ValueError: The answer is of another kind of task, or not of a gateway.
        KeyError: As ValueError.
        TypeError: As ValueError.
    """
    decision = each["decision"]
    if not isinstance(decision, bool):
        raise TypeError("expected true or false")
    return Prediction(probability=float(each["probability"]), decision=decision, **common)


def parse_class(each: Mapping[str, Any], common: Common) -> ClassPrediction:
    """Parse the answer of a multiclass task; arguments and errors are those of parse_prediction."""
    return ClassPrediction(
        decision=each["decision"],
        probabilities=tuple(
            ClassProbability(name=one["class"], probability=float(one["probability"])) for one in each["probabilities"]
        ),
        **common,
    )


def parse_value(each: Mapping[str, Any], common: Common) -> ValuePrediction:
    """Parse the answer of a regression; arguments and errors are those of parse_prediction."""
    found = each["interval"]
    interval = None
    if found is not None:
        interval = ValueInterval(low=float(found["low"]), high=float(found["high"]), level=float(found["level"]))
    return ValuePrediction(value=float(each["value"]), unit=each["unit"], interval=interval, **common)
