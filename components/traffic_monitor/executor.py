"""Executor of TrafficMonitor.

Reads:  Examples, LoggedAnswers, statistics and anomalies of the windows; the contract for the columns that the log
        shows; Model, training Examples and training statistics of each version that answered, if it is known here.
Writes: a TrafficReport with `report.json`.
Raises: only if inputs cannot be read. A change of traffic is a verdict and no error.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.artifact_files import local_copy, write_json
from components.artifacts import TrafficReport
from components.traffic_monitor import contract as contract_checks
from components.traffic_monitor import verdict
from components.traffic_monitor.answers import Answers, class_sample, compare_statuses, prediction_sample
from components.traffic_monitor.comparison import Comparison, judge
from components.traffic_monitor.expected import predict
from components.traffic_monitor.report import VersionInputs, describe_column, describe_predictions, describe_versions
from components.traffic_monitor.rows import (
    Watched,
    choose_of_requests,
    hide,
    make_sample,
    read_places,
    read_sample,
    watched_columns,
)
from components.traffic_monitor.samples import Sample
from components.traffic_monitor.verdicts import LEVEL
from components.traffic_monitor.window import (
    compare_predictions,
    compare_with_before,
    compare_with_training,
)
from serving.contract import Value
from serving.request_log.settings import read_hash_key

REPORT_FILE = "report.json"
WINDOW, BEFORE, TRAIN, EVAL = "window", "before", "train", "eval"  # splits
_ANOMALIES_FILE = "SchemaDiff.pb"  # as ExampleValidator names it
Inputs = dict[str, list[types.Artifact]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowRows:
    """One window: a sample of its answered rows, and all of its answers."""

    sample: Sample
    answers: Answers
    places: np.ndarray  # [sampled rows] int, positions among the answered rows

    @property
    def versions(self) -> np.ndarray:
        """The model version that answered each sampled row, [sampled rows] str."""
        return self.answers.versions[self.places]


class Executor(BaseExecutor):
    """Executor that compares a window, judges it and writes the report."""

    def Do(self, input_dict: Inputs, output_dict: Inputs, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Make the report and write it; `exec_properties` are the parameters of TrafficMonitorSpec."""
        self._log_startup(input_dict, output_dict, exec_properties)
        report = make_report(input_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["report"])
        write_json(os.path.join(artifact.uri, REPORT_FILE), report)
        artifact.set_string_custom_property(TrafficReport.VERDICT, report["verdict"])
        artifact.set_int_custom_property(TrafficReport.ROWS, report["rows"]["window"])


def make_report(inputs: Inputs, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of `report.json`, which docs/how-to/monitoring.md describes."""
    schema_folder = artifact_utils.get_single_uri(inputs["schema"])
    contract = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_folder))
    examples = artifact_utils.get_single_instance(inputs["examples"])
    columns = watched_columns(contract, *(json.loads(settings[name]) for name in ("hashed", "dropped")))
    answers_uri = os.path.join(artifact_utils.get_single_uri(inputs["answers"]), "answers.parquet")
    with local_copy(answers_uri) as answers_file:  # Arrow cannot read every file system that TFX can.
        window = _read_window(examples.uri, answers_file, WINDOW, columns)
        before = _read_window(examples.uri, answers_file, BEFORE, columns)
    key, fair = read_hash_key(os.environ), bool(settings["fair"])
    versions = [_version_inputs(name, uris, inputs) for name, uris in json.loads(settings["versions"]).items()]
    trained = {one.version: _training(one, columns, key) for one in versions}
    expected = {one.version: _expected(one, window.answers.classes) for one in versions}
    comparisons = _compare_before(window, before, columns)
    for one in versions:
        comparisons += _compare_rows(one.version, window, before, trained[one.version], columns, key, fair)
        comparisons += _compare_answers(one.version, window, before, expected[one.version] if fair else None)
    judged = judge(comparisons, LEVEL)
    anomalies = _read_anomalies(inputs["anomalies"], WINDOW)
    statistics = {split: _statistics(inputs["statistics"][0], split) for split in (WINDOW, BEFORE)}
    found_anomalies = contract_checks.describe_anomalies(anomalies)
    return {
        "verdict": verdict.decide(window.answers.rows, window.sample.rows, judged, found_anomalies),
        "level": LEVEL,
        "tests": len(judged),
        "rows": {WINDOW: window.answers.rows, BEFORE: before.answers.rows},
        "statuses": {WINDOW: window.answers.describe_statuses(), BEFORE: before.answers.describe_statuses()},
        "failed": window.answers.count_failed(),
        "least_shift": verdict.least_shift(window.sample.rows, len(judged)),
        "versions": describe_versions(window.answers, versions, trained),
        "predictions": {
            one.version: histogram
            for one in versions
            if (
                histogram := describe_predictions(
                    [_predictions(window, one.version), _predictions(before, one.version), expected[one.version]]
                )
            )
        },
        "findings": [verdict.as_record(one) for one in judged if one.alarm],
        "anomalies": found_anomalies,
        "columns": [
            describe_column(one, window.sample, before.sample, trained, judged, key is not None) for one in columns
        ],
        "distances": {
            one.version: contract_checks.distances(
                statistics[WINDOW],
                _comparable(contract, columns),
                training=_statistics(one.statistics, TRAIN),
                before=statistics[BEFORE],
            )
            for one in versions
        },
        "fair": fair,
    }


def _read_window(examples: str, answers_file: Path, split: str, columns: Sequence[Watched]) -> WindowRows:
    answers = Answers.read(answers_file, split)
    places = choose_of_requests(answers.requests)
    name = "window" if split == WINDOW else "window before"
    sample = make_sample(read_places([examples], split, places), columns, name)
    return WindowRows(sample=sample, answers=answers, places=places)


def _version_inputs(version: str, uris: Mapping[str, list[str]], inputs: Inputs) -> VersionInputs:
    """Select a version's artifacts from those of all versions."""

    def found(key: str) -> list[types.Artifact]:
        return [artifact for artifact in inputs.get(key, []) if artifact.uri in uris.get(key, [])]

    models, statistics = found("model"), found("training_statistics")
    return VersionInputs(
        version=version,
        model=path_utils.serving_model_path(models[0].uri) if models else None,
        examples=[artifact.uri for artifact in found("training_examples")],
        statistics=statistics[0] if statistics else None,
    )


def _training(version: VersionInputs, columns: Sequence[Watched], key: bytes | None) -> Sample | None:
    records = read_sample(version.examples, TRAIN)
    if not records:
        return None
    plain = [dataclasses.replace(one, hidden="" if one.hidden == "hashed" else one.hidden) for one in columns]
    sample = make_sample(records, plain, "training")
    return hide(sample, columns, key)


def _compare_rows(
    version: str,
    window: WindowRows,
    before: WindowRows,
    training: Sample | None,
    columns: Sequence[Watched],
    key: bytes | None,
    fair: bool,
) -> list[Comparison]:
    """Compare the rows that a version answered with its training rows: skew."""
    rows, earlier = (one.sample.select(one.versions == version) for one in (window, before))
    if training is None or not rows.rows:
        return []
    skipped = [one.name for one in columns if one.time_bound or (one.hidden == "hashed" and key is None)]
    found = compare_with_training(rows, earlier if earlier.rows else None, training, skipped, fair=fair)
    return [dataclasses.replace(one, version=version) for one in found]


def _compare_answers(version: str, window: WindowRows, before: WindowRows, expected: Sample | None) -> list[Comparison]:
    """Compare a version's predictions with those on its eval rows, and with those of the window before."""
    answered, earlier = (_predictions(one, version) for one in (window, before))
    if answered is None or not answered.rows:
        return []
    found = compare_predictions(answered, earlier, expected)
    return [dataclasses.replace(one, version=version) for one in found]


def _predictions(window: WindowRows, version: str) -> Sample | None:
    return window.answers.predictions(window.sample.name, window.places[window.versions == version])


def _compare_before(window: WindowRows, before: WindowRows, columns: Sequence[Watched]) -> list[Comparison]:
    """Compare the answered rows of all versions and the share of unanswered requests with the window before: drift."""
    found = []
    if window.sample.rows and before.sample.rows:
        skipped = [one.name for one in columns if one.time_bound]
        found += compare_with_before(window.sample, before.sample, skipped)
    return found + compare_statuses(*(one.answers.describe_statuses() for one in (window, before)))


def _expected(version: VersionInputs, classes: Sequence[Value]) -> Sample | None:
    """Return the version's predictions on its eval rows in the form that the log has, or None.

    None means that the model or its eval rows are not known here, or that its outputs do not match the logged classes.
    """
    records = read_sample(version.examples, EVAL)
    if version.model is None or not records:
        return None
    predictions = predict(version.model, records)
    if predictions.shape[1] == 1 and not classes:
        return prediction_sample(predictions[:, 0], "evaluation")
    if predictions.shape[1] != len(classes):
        return None
    decided = np.array(classes, dtype=object)[predictions.argmax(axis=1)]
    return class_sample(decided, "evaluation")


def _comparable(contract: schema_pb2.Schema, columns: Sequence[Watched]) -> schema_pb2.Schema:
    """Return the contract without the skew comparators of columns whose values the log does not show."""
    found = schema_pb2.Schema()
    found.CopyFrom(contract)
    hidden = {one.name for one in columns if one.hidden}
    for feature in found.feature:
        if feature.name in hidden:
            feature.ClearField("skew_comparator")
    return found


def _statistics(artifact: types.Artifact | None, split: str) -> Any:
    if artifact is None or split not in artifact_utils.decode_split_names(artifact.split_names):
        return None
    return stats_artifact_utils.load_statistics(artifact, split).proto()


def _read_anomalies(artifacts: Sequence[types.Artifact], split: str) -> anomalies_pb2.Anomalies:
    anomalies = anomalies_pb2.Anomalies()
    folder = artifact_utils.get_split_uri(list(artifacts), split)
    anomalies.ParseFromString(io_utils.read_bytes_file(os.path.join(folder, _ANOMALIES_FILE)))
    return anomalies
