"""Parses the answer for one row, by the kind of task that a gateway serves."""

from collections.abc import Mapping
from typing import Any

from serving.client.messages import ClassPrediction, ClassProbability, Prediction, ValueInterval, ValuePrediction

Common = Mapping[str, Any]  # the fields of serving.client.messages.Answer


def parse_prediction(each: Mapping[str, Any], common: Common) -> Prediction:
    """Parse the answer of a binary task.

    Args:
        each: what the answer says of the row.
        common: what it says of all rows, and the row's number.

    Raises:
        ValueError, KeyError, TypeError: The answer is of another kind of task, or of no gateway.
    """
    decision = each["decision"]
    if not isinstance(decision, bool):
        raise TypeError("expected true or false")
    return Prediction(probability=float(each["probability"]), decision=decision, **common)


def parse_class(each: Mapping[str, Any], common: Common) -> ClassPrediction:
    """Parse the answer of a task of several classes; arguments and errors as of parse_prediction."""
    return ClassPrediction(
        decision=each["decision"],
        probabilities=tuple(
            ClassProbability(name=one["class"], probability=float(one["probability"])) for one in each["probabilities"]
        ),
        **common,
    )


def parse_value(each: Mapping[str, Any], common: Common) -> ValuePrediction:
    """Parse the answer of a regression; arguments and errors as of parse_prediction."""
    found = each["interval"]
    interval = None
    if found is not None:
        interval = ValueInterval(low=float(found["low"]), high=float(found["high"]), level=float(found["level"]))
    return ValuePrediction(value=float(each["value"]), unit=each["unit"], interval=interval, **common)
