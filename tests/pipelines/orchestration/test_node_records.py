"""Results of nodes, from one process to the next."""

import datetime
from pathlib import Path

from components.anomaly_gate.component import AnomalyError
from components.anomaly_gate.findings import Finding
from pipelines.explain import explain
from pipelines.modeling.vocabularies import Coverage
from pipelines.orchestration.node_records import NodeRecords
from pipelines.runner.results import FAILED, RAN, NodeResult, OutputArtifact
from pipelines.runner.verdicts import read_verdicts

STARTED = datetime.datetime(2026, 1, 31, 23, 59, 59, 125_000, tzinfo=datetime.UTC)
WELL = NodeResult(
    node="Transform",
    state=RAN,
    seconds=1.5,
    started=STARTED,
    outputs=(OutputArtifact(key="graph", type_name="TransformGraph", uri="/g/1", properties={"a": 1, "b": "c"}),),
    summary="11 features",
)
FINDING = Finding(
    feature="fare",
    split="train",
    rule="OUT_OF_RANGE",
    expected="at most 500",
    observed="700",
    share=0.25,
    remedy="mend",
)


def test_a_result_is_read_as_it_was_written_and_in_the_pipelines_order(tmp_path: Path) -> None:
    records, covered = NodeRecords(tmp_path), {"a": Coverage(column="a", known=3, left_out=1, left_out_share=0.5)}
    other = NodeResult(node="Trainer", state=RAN, seconds=0.5)
    records.write(other, {})
    records.write(WELL, covered)
    assert records.read(["Transform", "Evaluator", "Trainer"]) == ([WELL, other], covered)
    records.remove("Transform")
    assert records.read(["Transform", "Trainer"]) == ([other], {})


def test_an_error_is_explained_as_it_was_where_it_was_raised(tmp_path: Path) -> None:
    foreign = ZeroDivisionError("division by zero")
    NodeRecords(tmp_path).write(NodeResult(node="Trainer", state=FAILED, seconds=1.0, error=foreign), {})
    ((read,), _) = NodeRecords(tmp_path).read(["Trainer"])
    assert read.error is not None
    assert explain(read.error) == explain(foreign) == "ZeroDivisionError: division by zero"


def test_the_verdict_of_a_gate_that_raised_is_the_same(tmp_path: Path) -> None:
    refused = NodeResult(node="AnomalyGate", state=FAILED, seconds=0.1, error=AnomalyError("c.pbtxt", [FINDING]))
    NodeRecords(tmp_path).write(refused, {})
    ((read,), _) = NodeRecords(tmp_path).read(["AnomalyGate"])
    assert refused.error is not None
    assert read.error is not None
    assert explain(read.error) == explain(refused.error)
    assert read_verdicts({"AnomalyGate": read}) == read_verdicts({"AnomalyGate": refused})
    assert read_verdicts({"AnomalyGate": read})[0].passed is False
