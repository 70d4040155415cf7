"""What a node wrote, in a few words for the terminal and summary.json. Reads the node's artifacts, hence loads TFX."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.utils import io_utils

from components.csv_example_gen.executor import ROWS_PROPERTY
from components.skew_gate import component as skew_gate
from pipelines import nodes
from pipelines.explain import explain
from pipelines.modeling.fitting import HISTORY_FILE
from pipelines.runner.results import SKIPPED, NodeResult
from pipelines.runner.schema_difference import differences
from pipelines.runner.verdicts import headline

Earlier = Mapping[str, NodeResult]  # by node, of this run


def in_words(result: NodeResult, earlier: Earlier) -> str:
    """What a node wrote; the first line of its error if it failed."""
    if result.error is not None:
        return explain(result.error).splitlines()[0]
    if result.state == SKIPPED:
        return ""
    describe = _WORDS.get(result.node)
    if describe and result.outputs:
        return describe(result, earlier)
    return ", ".join(output.key for output in result.outputs) or "nothing yet"


def row_counts(result: NodeResult | None) -> dict[str, int]:
    """Split -> rows, of ExampleGen's result."""
    if result is None or not result.outputs:
        return {}
    properties = result.outputs[0].properties
    names = sorted((name for name in properties if name.startswith(ROWS_PROPERTY)), reverse=True)  # train, then eval
    return {name.removeprefix(ROWS_PROPERTY): int(properties[name]) for name in names}


def schema_differences(results: Earlier) -> list[str]:
    """How SchemaGen's proposal differs from the contract; nothing before both are there."""
    proposal, contract = results.get(nodes.SCHEMA_GEN), results.get(nodes.IMPORT_SCHEMA_GEN)
    if not (proposal and proposal.outputs and contract and contract.outputs):
        return []
    return differences(_schema(proposal.uri("schema")), _schema(contract.uri("schema")))


def _examples(result: NodeResult, _: Earlier) -> str:
    return ", ".join(f"{split} {rows:,} rows" for split, rows in row_counts(result).items())


def _contract(result: NodeResult, _: Earlier) -> str:
    return f"the contract: {_count(len(_schema(result.uri('schema')).feature), 'column')}"


def _proposal(result: NodeResult, earlier: Earlier) -> str:
    found = schema_differences({**earlier, result.node: result})
    return f"a proposal: {_count(len(found), 'difference')} from the contract"


def _anomalies(result: NodeResult, _: Earlier) -> str:
    files = result.uri("anomalies").glob("*/SchemaDiff.pb")
    found = sum(len(anomalies_pb2.Anomalies.FromString(file.read_bytes()).anomaly_info) for file in files)
    return _count(found, "anomaly", "anomalies")


def _features(result: NodeResult, _: Earlier) -> str:
    schema = _schema(result.uri("transform_graph") / "transformed_metadata")
    return f"{_count(len(schema.feature), 'feature')}, the label among them"


def _search(result: NodeResult, _: Earlier) -> str:
    (path,) = result.uri("tuner_results").glob("*.json")
    losses = [trial["score"] for trial in json.loads(path.read_text())]
    return f"{_count(len(losses), 'trial')} finished, lowest held-out loss {min(losses):.4g}"


def _training(result: NodeResult, _: Earlier) -> str:
    path = result.uri("model_run") / HISTORY_FILE
    history = json.loads(path.read_text()) if path.exists() else {}
    losses = history.get("val_loss")
    return f"{_count(len(losses), 'epoch')}, lowest validation loss {min(losses):.4g}" if losses else "model"


def _evaluation(result: NodeResult, _: Earlier) -> str:
    values = ", ".join(f"{name} {value:.4g}" for name, value in headline(result.uri("evaluation")))
    return f"{_blessed(result)}: {values}"


def _skew(result: NodeResult, _: Earlier) -> str:
    report = json.loads((result.uri("blessing") / skew_gate.REPORT_FILE).read_text())
    return f"{_blessed(result)}: {_count(report['differences'], 'difference')} in {_count(report['rows'], 'row')}"


def _push(result: NodeResult, _: Earlier) -> str:
    properties = result.outputs[0].properties
    return f"version {properties['pushed_version']}" if properties.get("pushed") else "not pushed"


def _baseline(result: NodeResult, _: Earlier) -> str:
    """`model 10`: what it found, and the number of the execution that made it."""
    found = [output for output in result.outputs if "blessing" not in output.key]
    return ", ".join(f"{output.key} {Path(output.uri).name}" for output in found)


_WORDS: dict[str, Callable[[NodeResult, Earlier], str]] = {
    nodes.ACCEPTED_STATISTICS_RESOLVER: _baseline,
    nodes.BLESSED_MODEL_RESOLVER: _baseline,
    nodes.EXAMPLE_GEN: _examples,
    nodes.IMPORT_HYPERPARAMETERS: lambda *_: "the committed values",
    nodes.IMPORT_SCHEMA_GEN: _contract,
    nodes.STATISTICS_GEN: lambda *_: "statistics of each split",
    nodes.SCHEMA_GEN: _proposal,
    nodes.EXAMPLE_VALIDATOR: _anomalies,
    nodes.ANOMALY_GATE: lambda *_: "data accepted",
    nodes.TRANSFORM: _features,
    nodes.TRAINER: _training,
    nodes.TUNER: _search,
    nodes.EVALUATOR: _evaluation,
    nodes.INFRA_VALIDATOR: lambda result, _: f"{_blessed(result)} by TensorFlow Serving in Docker",
    nodes.SKEW_GATE: _skew,
    nodes.PUSHER: _push,
}


def _blessed(result: NodeResult) -> str:
    blessed = any(output.properties.get("blessed") == 1 for output in result.outputs if output.key == "blessing")
    return "blessed" if blessed else "not blessed"


def _schema(directory: Path) -> schema_pb2.Schema:
    return io_utils.SchemaReader().read(str(directory / "schema.pbtxt"))


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
