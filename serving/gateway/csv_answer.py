"""Write predictions as columns of a CSV file."""

from collections.abc import Mapping, Sequence
from typing import Any

from serving.request_log.columns import MODEL_VERSION, REQUEST_ID, REQUEST_ROW

_PREFIX = "predicted_"
_OF_REQUEST = (MODEL_VERSION, REQUEST_ID, REQUEST_ROW)  # feedback finds the row by the last two


def list_columns(classes: Sequence[object]) -> list[str]:
    """List every column that an answer may have.

    Args:
        classes: the model's classes; empty if the model returns one number.

    Returns:
        The names, in the order of the file.
    """
    single = ("probability", "decision", "value", "low", "high")
    return [*(f"{_PREFIX}{name}" for name in single), *map(_name_class, classes), *_OF_REQUEST]


def make_columns(content: Mapping[str, Any], classes: Sequence[object], decimal: str) -> dict[str, list[str]]:
    """Make the columns of an answer.

    Args:
        content: the answer as a JSON object; see `serving.gateway.prediction`.
        classes: see `list_columns`.
        decimal: the decimal separator.

    Returns:
        Name -> a cell for each row, in the order of `list_columns`; columns that are empty in every row are left out.
    """
    rows = [_flatten(prediction) for prediction in content["predictions"]]
    for number, row in enumerate(rows):
        row |= {MODEL_VERSION: content["model_version"], REQUEST_ID: content["request_id"], REQUEST_ROW: number}
    names = [name for name in list_columns(classes) if any(row.get(name) is not None for row in rows)]
    return {name: [_write(row.get(name), decimal) for row in rows] for name in names}


def _flatten(prediction: Mapping[str, Any]) -> dict[str, Any]:
    flat = {f"{_PREFIX}{name}": prediction.get(name) for name in ("probability", "decision", "value")}
    interval = prediction.get("interval") or {}
    flat |= {f"{_PREFIX}{name}": interval.get(name) for name in ("low", "high")}
    return flat | {_name_class(one["class"]): one["probability"] for one in prediction.get("probabilities", ())}


def _name_class(name: object) -> str:
    return f"{_PREFIX}probability_{name}"


def _write(value: object, decimal: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).replace(".", decimal)
    return "" if value is None else str(value)
