"""Stop a run whose data breaks the contract, drifts, or differs between train and eval.

TFX's ExampleValidator records anomalies and does not fail. It compares statistics only with the Schema. Drift and skew
need two sets of statistics.
"""

import json
import os

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from components.anomaly_gate.broken_rows import locate_rows
from components.anomaly_gate.findings import Finding, describe_comparisons, describe_violations, merge_causes
from components.artifact_files import read_bytes, write_json
from components.artifacts import DataBlessing
from serving.did_you_mean import closest

REPORT_FILE = "report.json"
_ANOMALIES_FILE = "SchemaDiff.pb"  # ExampleValidator's output


class AnomalyError(ValueError):
    """The data breaks the contract in ways that are not tolerated; `findings` lists them."""

    def __init__(self, contract: str, found: list[Finding]):
        self.findings = found
        count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        lines = "\n".join(f"  {finding}" for finding in found)
        super().__init__(f"the data does not meet the contract {contract}: {count}\n{lines}")


@component
def AnomalyGate(
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    schema: InputArtifact[standard_artifacts.Schema],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    blessing: OutputArtifact[DataBlessing],
    contract: Parameter[str],
    tolerated: Parameter[str],
    train_split: Parameter[str],
    eval_split: Parameter[str],
    why_splits_differ: Parameter[str],
    code_digest: Parameter[str],
    baseline: InputArtifact[standard_artifacts.ExampleStatistics] = None,
    examples: InputArtifact[standard_artifacts.Examples] = None,
) -> None:
    """Accept the data and write a DataBlessing, or fail.

    Args:
        statistics: statistics of every split.
        schema: the contract.
        anomalies: ExampleValidator's output, with every split.
        blessing: the output, with the report and two custom properties.
        contract: path of the contract, for messages.
        tolerated: JSON object, feature -> list of anomaly kinds (AnomalyInfo.Type names) that are only reported.
        train_split: the split that drift and skew are measured on.
        eval_split: the split that the train split is compared with for skew; empty: no comparison.
        why_splits_differ: possible cause of skew between the two, for messages; it depends on how the rows were split.
        code_digest: digest of this component's code, and of what else the judgement depends on; part of the cache key.
        baseline: statistics of the last accepted data; absent on the first run.
        examples: the rows, from which a refusal names the first that breaks a rule; optional.

    Raises:
        AnomalyError: There are anomalies, drift or skew that are not tolerated.
        ValueError: `tolerated` has an unknown anomaly kind.
    """
    contract_schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    found = [
        finding
        for split in artifact_utils.decode_split_names(anomalies.split_names)
        for finding in describe_violations(
            _load_anomalies(anomalies, split), contract_schema, _load_statistics(statistics, split), split, contract
        )
    ]
    current = _load_statistics(statistics, train_split)
    previous = _load_statistics(baseline, train_split) if baseline else None
    serving = _load_statistics(statistics, eval_split) if eval_split else None
    compared = tfdv.validate_statistics(
        current, contract_schema, previous_statistics=previous, serving_statistics=serving
    )
    found += describe_comparisons(compared, train_split, contract, why_splits_differ, current, previous, serving)
    refused, accepted = split_by_tolerance(found, json.loads(tolerated))
    if refused:
        refused = merge_causes(refused)
        raise AnomalyError(contract, locate_rows(refused, examples, contract_schema) if examples else refused)
    report = {"tolerated": [finding.as_dict() for finding in accepted]}
    write_json(os.path.join(blessing.uri, REPORT_FILE), report)
    blessing.set_string_custom_property(DataBlessing.STATISTICS_URI, statistics.uri)
    blessing.set_string_custom_property(DataBlessing.JUDGED_BY, code_digest)


def split_by_tolerance(found: list[Finding], tolerated: dict[str, list[str]]) -> tuple[list[Finding], list[Finding]]:
    """Split findings into refused and tolerated ones.

    Args:
        found: the findings.
        tolerated: feature -> names of tolerated AnomalyInfo.Type values.

    Returns:
        The refused findings, and the tolerated ones.

    Raises:
        ValueError: A tolerated kind is not an AnomalyInfo.Type.
    """
    known = set(anomalies_pb2.AnomalyInfo.Type.keys())
    for feature, kinds in tolerated.items():
        for kind in kinds:
            if kind not in known:
                close = closest(kind, known)
                meant = f"did you mean {close}?" if close else "expected one such as SCHEMA_NEW_COLUMN"
                raise ValueError(f"tolerated anomaly of {feature}: no kind is named {kind!r}; {meant}")
    refused = [finding for finding in found if finding.rule not in tolerated.get(finding.feature, ())]
    return refused, [finding for finding in found if finding not in refused]


def _load_anomalies(anomalies: standard_artifacts.ExampleAnomalies, split: str) -> anomalies_pb2.Anomalies:
    path = os.path.join(artifact_utils.get_split_uri([anomalies], split), _ANOMALIES_FILE)
    return anomalies_pb2.Anomalies.FromString(read_bytes(path))


def _load_statistics(
    statistics: standard_artifacts.ExampleStatistics, split: str
) -> statistics_pb2.DatasetFeatureStatisticsList:
    return stats_artifact_utils.load_statistics(statistics, split).proto()
