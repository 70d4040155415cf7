"""Compiled jobs, run as the service would run them.

Two nodes are run by CI. The whole jobs are run by `make test-orchestrators`: minutes.
"""

import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.run_registry.pointers import POINTS_TO
from components.run_registry.records import ACCEPTED, PUSHED, read_records
from pipelines.nodes import ANOMALY_GATE, BLESSED_MODEL_RESOLVER, PUSHER
from pipelines.task_definition.task import load_task
from tests.pipelines.orchestration.vertex.jobs import compile_for, prepare, rehearse
from tests.pipelines.orchestration.vertex.rehearsal import NodeFailedError, Rehearsal

DIABETES = "tests.tasks.diabetes"
STEPS = 100  # after which the taxi model passes its thresholds


def pushed(run: Rehearsal) -> float:
    return float(run.outputs[PUSHER]["pushed_model"]["metadata"]["pushed"])


@pytest.mark.slow
def test_the_first_two_nodes(tmp_path: Path) -> None:
    """Without the hook, as open-source Kubeflow runs them: Examples say what their rows are all the same."""
    prepare(tmp_path, DIABETES)
    run = rehearse(compile_for(tmp_path, DIABETES), "first", hook=False)
    run.run("ExampleGen", "ImportSchemaGen")
    examples = run.outputs["ExampleGen"]["examples"]["metadata"]
    assert (examples["rows_train"], examples["rows_eval"]) == (290, 152)
    assert "blake2b:" in examples["input_fingerprint"]
    contract = text_format.Parse(
        (run.artifact("ImportSchemaGen", "schema") / "schema.pbtxt").read_text(), schema_pb2.Schema()
    )
    assert contract == text_format.Parse(load_task(DIABETES).contract.read_text(), schema_pb2.Schema())


@pytest.mark.orchestrator
@pytest.mark.pipeline
@pytest.mark.one_stack
def test_the_taxi_job_pushes_a_model_and_the_next_one_is_compared_with_it(tmp_path: Path) -> None:
    prepare(tmp_path, "taxi")
    job = compile_for(tmp_path, "taxi", train_steps=STEPS)
    first = rehearse(job, "first")
    first.run()
    assert pushed(first) == 1
    (record,) = read_records(job.places.registry, PUSHED)
    assert record["model"]["uri"] == str(first.artifact("Trainer", "model"))
    (version,) = Path(job.places.serving).iterdir()
    assert (version / "saved_model.pb").is_file()
    second = rehearse(job, "second")
    second.run()
    (found,) = json.loads(second.outputs[BLESSED_MODEL_RESOLVER]["model"]["metadata"][POINTS_TO])
    assert found["uri"] == record["model"]["uri"]
    blessing = second.outputs["Evaluator"]["blessing"]["metadata"]
    assert blessing["baseline_model"] == record["model"]["uri"]
    comparison = second.outputs["BetterGate"]["comparison"]["metadata"]
    # The same rows, steps and seeds: the same model, which is no better.
    assert comparison["outcome"] == "tie"
    assert pushed(second) == 0
    assert second.outputs[PUSHER]["pushed_model"]["metadata"]["held_back"] == "tie"
    assert len(list(read_records(job.places.registry, ACCEPTED))) == 2


@pytest.mark.orchestrator
@pytest.mark.pipeline
@pytest.mark.one_stack
def test_a_row_that_breaks_the_contract_ends_the_job_at_the_gate(tmp_path: Path) -> None:
    rows = prepare(tmp_path, DIABETES) / "patients.csv"
    rows.write_text(rows.read_text().replace(",a,", ",x,", 1))
    job = compile_for(tmp_path, DIABETES, train_steps=20)
    run = rehearse(job, "bad")
    with pytest.raises(NodeFailedError) as raised:
        run.run()
    assert raised.value.node == ANOMALY_GATE
    assert "AnomalyError: the data does not meet the contract" in raised.value.log
    assert "Trainer" not in run.outputs
    assert list(read_records(job.places.registry, ACCEPTED)) == []
