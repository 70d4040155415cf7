"""Format and read the intervals of a run's metrics, which its report computed.

It loads neither TFX nor TensorFlow.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.runs.errors import RunError

INTERVALS_FILE = "intervals.json"  # in the run's folder; docs/how-to/report.md
_FORMAT = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricInterval:
    """The interval of one metric on all eval rows, and its change from the baseline. NaN: unknown."""

    low: float
    high: float
    change: float = math.nan  # from the model pushed before, on the same rows
    change_low: float = math.nan
    change_high: float = math.nan
    meaning: str = ""  # of the change: "better", "worse", "changed", "no clear change"; empty without a baseline


def write_intervals(found: Mapping[str, MetricInterval], level: float, resamples: int) -> str:
    """Return the text of INTERVALS_FILE: JSON, with null for an unknown number.

    Args:
        found: the intervals by metric.
        level: share of the resamples inside an interval, between 0 and 1.
        resamples: number of resamples.
    """
    metrics = {name: {key: _to_json(value) for key, value in vars(one).items()} for name, one in found.items()}
    record = {"format": _FORMAT, "level": level, "resamples": resamples, "metrics": metrics}
    return json.dumps(record, indent=2, allow_nan=False) + "\n"


def read_intervals(directory: Path) -> dict[str, MetricInterval]:
    """Read the intervals in a run's folder.

    Args:
        directory: the run's folder.

    Returns:
        The intervals by metric; empty if its report wrote none, as in older runs.

    Raises:
        RunError: The file is damaged.
    """
    path = directory / INTERVALS_FILE
    try:
        return _parse_record(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{path} is damaged: {error}; make it again with `python -m pipelines report --again --run "
            f"{directory.name}`."
        ) from error


def _parse_record(record: Mapping[str, Any]) -> dict[str, MetricInterval]:
    if record["format"] != _FORMAT:
        raise ValueError(f"format {record['format']}, expected {_FORMAT}")
    return {name: _to_interval(one) for name, one in record["metrics"].items()}


def _to_interval(one: Mapping[str, Any]) -> MetricInterval:
    known: dict[str, Any] = {key: math.nan if value is None else value for key, value in one.items()}
    return MetricInterval(**known)


def _to_json(value: float | str) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
