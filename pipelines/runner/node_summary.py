"""Summarise what a node wrote, for the terminal and summary.json. It reads the node's artifacts, and so loads TFX."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.utils import io_utils

from components.csv_example_gen.executor import ROWS_PROPERTY, SPLIT_PROPERTY
from components.resolvers import EARLIER
from components.skew_gate import component as skew_gate
from components.span_names import SPAN_NAME, SPANS
from pipelines import nodes
from pipelines.evaluation.comparison_words import describe_interval
from pipelines.evaluation.readable_numbers import format_readable
from pipelines.explain import explain
from pipelines.modeling.fitting import HISTORY_FILE
from pipelines.runner.results import SKIPPED, NodeResult
from pipelines.runner.schema_difference import compare_schemas
from pipelines.runner.verdicts import read_comparison, read_headline_metrics

Results = Mapping[str, NodeResult]  # by node, of this run


def summarise_node(result: NodeResult, earlier: Results) -> str:
    """Summarise in a few words what a node wrote; if it failed, return the first line of its error."""
    if result.error is not None:
        return explain(result.error).splitlines()[0]
    if result.state == SKIPPED:
        return ""
    describe = _SUMMARIES.get(result.node)
    if describe and result.outputs:
        return describe(result, earlier)
    return ", ".join(output.key for output in result.outputs) or _NONE_YET.get(result.node, "nothing")


def count_rows(result: NodeResult | None) -> dict[str, int]:
    """Return the number of rows of each split, from ExampleGen's result."""
    if result is None or not result.outputs:
        return {}
    properties = result.outputs[0].properties
    names = sorted((name for name in properties if name.startswith(ROWS_PROPERTY)), reverse=True)  # train, then eval
    return {name.removeprefix(ROWS_PROPERTY): int(properties[name]) for name in names}


def describe_split(result: NodeResult | None) -> str:
    """Return a description of how the rows were split, from ExampleGen's result; empty if it has none."""
    return str(result.outputs[0].properties.get(SPLIT_PROPERTY, "")) if result and result.outputs else ""


def read_spans(result: NodeResult | None) -> list[dict[str, Any]]:
    """Return the spans of the rows, from ExampleGen's result; none if the rows are from files."""
    found = result.outputs[0].properties.get(SPANS) if result and result.outputs else None
    return json.loads(str(found)) if found else []


def read_data_fingerprint(result: NodeResult | None) -> str:
    """Return the fingerprint of the files that ExampleGen read, from its result; empty for several spans together."""
    found = result.outputs[0].properties.get(FINGERPRINT_PROPERTY_NAME) if result and result.outputs else None
    return str(found or "")


def describe_schema_differences(results: Results) -> list[str]:
    """Return the differences of SchemaGen's schema from the contract, a line each; none until both nodes have ended."""
    proposal, contract = results.get(nodes.SCHEMA_GEN), results.get(nodes.IMPORT_SCHEMA_GEN)
    if not (proposal and proposal.outputs and contract and contract.outputs):
        return []
    return compare_schemas(_read_schema(proposal.uri("schema")), _read_schema(contract.uri("schema")))


def _summarise_examples(result: NodeResult, _: Results) -> str:
    of_spans = f" of {_format_count(len(read_spans(result)), 'span')}" if read_spans(result) else ""
    return ", ".join(f"{split} {rows:,} rows" for split, rows in count_rows(result).items()) + of_spans


def _summarise_spans(result: NodeResult, _: Results) -> str:
    """Return the number of spans, and the first and the last with their versions."""
    names = [f"{one.properties[SPAN_NAME]} v{one.properties['version']}" for one in result.outputs]
    return names[0] if len(names) == 1 else f"{_format_count(len(names), 'span')}: {names[0]} to {names[-1]}"


def _summarise_contract(result: NodeResult, _: Results) -> str:
    return f"the contract: {_format_count(len(_read_schema(result.uri('schema')).feature), 'column')}"


def _summarise_proposal(result: NodeResult, earlier: Results) -> str:
    found = describe_schema_differences({**earlier, result.node: result})
    return f"a proposal: {_format_count(len(found), 'difference')} from the contract"


def _summarise_anomalies(result: NodeResult, _: Results) -> str:
    files = result.uri("anomalies").glob("*/SchemaDiff.pb")
    found = sum(len(anomalies_pb2.Anomalies.FromString(file.read_bytes()).anomaly_info) for file in files)
    return _format_count(found, "anomaly", "anomalies")


def _summarise_features(result: NodeResult, _: Results) -> str:
    schema = _read_schema(result.uri("transform_graph") / "transformed_metadata")
    # A stacked feature has several columns.
    columns = sum(math.prod(dim.size for dim in feature.shape.dim) for feature in schema.feature)
    return f"{_format_count(columns, 'feature')}, the label among them"


def _summarise_search(result: NodeResult, _: Results) -> str:
    (path,) = result.uri("tuner_results").glob("*.json")
    losses = [trial["score"] for trial in json.loads(path.read_text())]
    return f"{_format_count(len(losses), 'trial')} finished, lowest held-out loss {format_readable(min(losses))}"


def _summarise_training(result: NodeResult, _: Results) -> str:
    path = result.uri("model_run") / HISTORY_FILE
    history = json.loads(path.read_text()) if path.exists() else {}
    losses = history.get("val_loss")
    return (
        f"{_format_count(len(losses), 'epoch')}, lowest validation loss {format_readable(min(losses))}"
        if losses
        else "model"
    )


def _summarise_evaluation(result: NodeResult, _: Results) -> str:
    values = ", ".join(
        f"{name} {format_readable(value)}" for name, value in read_headline_metrics(result.uri("evaluation"))
    )
    return f"{_describe_blessing(result)}: {values}"


def _summarise_skew(result: NodeResult, _: Results) -> str:
    report = json.loads((result.uri("blessing") / skew_gate.REPORT_FILE).read_text())
    differences, rows = _format_count(report["differences"], "difference"), _format_count(report["rows"], "row")
    return f"{_describe_blessing(result)}: {differences} in {rows}"


def _summarise_push(result: NodeResult, _: Results) -> str:
    properties = result.outputs[0].properties
    return f"version {properties['pushed_version']}" if properties.get("pushed") else "not pushed"


def _summarise_pushed(result: NodeResult, _: Results) -> str:
    others = sum(output.key == EARLIER for output in result.outputs)
    return f"the model pushed last{f' and {others} before it' if others else ''}"


def _summarise_comparison(result: NodeResult, _: Results) -> str:
    found = read_comparison({result.node: result})
    assert found is not None  # It finished.
    if not found.differences:
        return found.outcome
    deciding = found.differences[0]
    return f"{found.outcome}: {deciding.metric} {describe_interval(deciding.value, deciding.low, deciding.high)}"


# Of a Resolver that found nothing.
_NONE_YET = {
    nodes.ACCEPTED_STATISTICS_RESOLVER: "none accepted yet",
    nodes.BLESSED_MODEL_RESOLVER: "no model pushed yet",
    nodes.WARM_START_RESOLVER: "no model pushed yet",
}
_SUMMARIES: dict[str, Callable[[NodeResult, Results], str]] = {
    nodes.ACCEPTED_STATISTICS_RESOLVER: lambda *_: "the statistics of the data accepted last",
    nodes.BLESSED_MODEL_RESOLVER: _summarise_pushed,
    nodes.WARM_START_RESOLVER: _summarise_pushed,
    nodes.BETTER_GATE: _summarise_comparison,
    nodes.EXAMPLE_GEN: _summarise_examples,
    nodes.IMPORT_HYPERPARAMETERS: lambda *_: "the committed values",
    nodes.IMPORT_SCHEMA_GEN: _summarise_contract,
    nodes.SPANS_RESOLVER: _summarise_spans,
    nodes.STATISTICS_GEN: lambda *_: "statistics of each split",
    nodes.SCHEMA_GEN: _summarise_proposal,
    nodes.EXAMPLE_VALIDATOR: _summarise_anomalies,
    nodes.ANOMALY_GATE: lambda *_: "data accepted",
    nodes.TRANSFORM: _summarise_features,
    nodes.TRAINER: _summarise_training,
    nodes.TUNER: _summarise_search,
    nodes.EVALUATOR: _summarise_evaluation,
    nodes.INFRA_VALIDATOR: lambda result, _: f"{_describe_blessing(result)} by TensorFlow Serving in Docker",
    nodes.SKEW_GATE: _summarise_skew,
    nodes.PUSHER: _summarise_push,
}


def _describe_blessing(result: NodeResult) -> str:
    blessed = any(output.properties.get("blessed") == 1 for output in result.outputs if output.key == "blessing")
    return "blessed" if blessed else "not blessed"


def _read_schema(directory: Path) -> schema_pb2.Schema:
    return io_utils.SchemaReader().read(str(directory / "schema.pbtxt"))


def _format_count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
