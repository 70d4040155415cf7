"""Describe each column for the page: its alarms, which tests apply to it, and its distribution."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.traffic_monitor.rows import read_sample
from pipelines import charts
from pipelines.monitoring.record import MonitoringRecord
from pipelines.monitoring.words import describe_test
from pipelines.nodes import TRAIN
from pipelines.report.dates import to_dates
from pipelines.report.numbers import NONE, format_percent
from pipelines.report.vega import Figure, make_figure
from pipelines.runs.examples import to_frame
from pipelines.runs.explanations import list_date_formats

_DRAWN_ROWS = 10_000  # at most, of each set
_WINDOW, _BEFORE, _TRAINING = "window", "window before", "training"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ColumnCard:
    """The facts about one column on the page."""

    name: str
    watched: str  # which tests apply to it, in words
    alarms: list[str]  # tests that raise an alarm, in words
    missing: list[tuple[str, str, bool]]  # set of rows, share of missing values, whether it is above 0
    unseen: str  # share of rows with a value that is not in the training rows
    distances: list[str]  # TFDV's, if the contract has comparators
    figure: Figure | None
    sets: list[str]  # sets of rows in the figure, in the order of their colours


def describe_columns(record: MonitoringRecord) -> list[ColumnCard]:
    """Describe the columns, those with alarms first."""
    report = record.report
    if not report["columns"]:
        return []
    schema = text_format.Parse(Path(record.contract).read_text(encoding="utf-8"), schema_pb2.Schema())
    hidden = {name for names in record.hidden.values() for name in names}
    shown = schema_pb2.Schema(feature=[feature for feature in schema.feature if feature.name not in hidden])
    frames = _read_frames(record, shown)
    frames = {key: _read_dates(frame, shown) for key, frame in frames.items()}
    cards = [_describe(column, report, frames, _codes(schema, column["name"])) for column in report["columns"]]
    return sorted(cards, key=lambda card: not card.alarms)


def _describe(
    column: Mapping[str, Any], report: Mapping[str, Any], frames: Mapping[str, pd.DataFrame], codes: bool
) -> ColumnCard:
    name = column["name"]
    series = {key: frame[name] for key, frame in frames.items() if name in frame}
    drawn = charts.make_distribution_frame(series, codes=codes) if series else pd.DataFrame()
    missing = [(key.replace("before", _BEFORE), share) for key, share in column["missing"].items() if share is not None]
    unseen = [share for share in column["unseen"].values() if share is not None]
    return ColumnCard(
        name=name,
        watched=column["watched"],
        alarms=[describe_test(test) for test in column["alarms"]],
        missing=[(key, format_percent(share), share > 0) for key, share in missing],
        unseen=format_percent(max(unseen)) if unseen else NONE,
        distances=_distances(report["distances"], name),
        figure=make_figure(f"{name}: share of rows", charts.plot_distribution(drawn)) if len(drawn) else None,
        sets=list(dict.fromkeys(drawn["rows"])) if len(drawn) else [],
    )


def _distances(distances: Mapping[str, Any], name: str) -> list[str]:
    words = {"skew": "from training", "drift": "from the window before"}
    found = {
        f"{words[kind]} {one['distance']:.3f} (the contract allows {one['threshold']:g})"
        for of_version in distances.values()
        for kind, one in of_version.get(name, {}).items()
    }
    return sorted(found)


def _read_frames(record: MonitoringRecord, schema: schema_pb2.Schema) -> dict[str, pd.DataFrame]:
    """Return at most _DRAWN_ROWS rows of each set; training rows are those of the newest version that has any."""
    sets = [(_WINDOW, Path(record.examples), "window"), (_BEFORE, Path(record.examples), "before")]
    for version in reversed(record.report["versions"]):
        if version["training_examples"]:
            sets += [(_TRAINING, Path(folder), TRAIN) for folder in version["training_examples"][-1:]]
            break
    frames = {}
    for name, folder, split in sets:
        # Without rows of a set, for example of the window before, the page shows the other sets.
        if records := read_sample([str(folder)], split, _DRAWN_ROWS):
            frames[name] = to_frame(records, schema)
    return frames


def _read_dates(frame: pd.DataFrame, schema: schema_pb2.Schema) -> pd.DataFrame:
    """Return the rows with dates as datetime64, so that they are drawn in the order of time."""
    formats = list_date_formats(schema)
    return frame.assign(**{name: to_dates(frame[name], formats[name]) for name in formats if name in frame})


def _codes(schema: schema_pb2.Schema, name: str) -> bool:
    return any(feature.name == name and feature.int_domain.is_categorical for feature in schema.feature)
