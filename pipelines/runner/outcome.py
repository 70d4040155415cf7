"""Fill in a run's summary from what its nodes wrote: rows, verdicts, metrics, and whether the model was pushed."""

from components.pushed_models import name_models
from components.pusher import executor as atomic_pusher
from components.pusher.versions import newest_version
from pipelines.config import PipelineConfig
from pipelines.evaluation.comparison_words import comparison_as_record
from pipelines.evaluation.tfma_results import slice_metrics
from pipelines.metadata_database import has_metadata
from pipelines.nodes import BETTER_GATE, EVALUATOR, EXAMPLE_GEN, PUSHER, TRAINER
from pipelines.runner import node_summary, verdicts
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.runner.results import FAILED, SKIPPED
from pipelines.runner.summary import EXPERIMENT, PUSHED, REFUSED, TIE, UNCHANGED, Summary


def read_results(summary: Summary, config: PipelineConfig) -> None:
    """Fill in rows, spans, verdicts, comparison, metrics, latency and schema differences from what the nodes wrote."""
    min_slice_rows = config.task.min_slice_rows
    results = summary.results
    summary.rows = node_summary.count_rows(results.get(EXAMPLE_GEN))
    summary.data_fingerprint = node_summary.read_data_fingerprint(results.get(EXAMPLE_GEN))
    summary.split = node_summary.describe_split(results.get(EXAMPLE_GEN))
    summary.spans = node_summary.read_spans(results.get(EXAMPLE_GEN))
    own = str(results[TRAINER].uri("model")) if TRAINER in results and results[TRAINER].outputs else ""
    names = {model: version for model, version in _name_pushed_models(config).items() if model != own}
    summary.verdicts = verdicts.read_verdicts(results, names)
    if (compared := verdicts.read_comparison(results)) is not None:
        summary.comparison = comparison_as_record(compared, names)
    evaluator = results.get(EVALUATOR)
    if evaluator is not None and evaluator.outputs:
        summary.metrics = slice_metrics(evaluator.uri("evaluation"), min_slice_rows)
    summary.latency = verdicts.read_latency(results)
    summary.schema_differences = node_summary.describe_schema_differences(results)


def record_outcome(summary: Summary, config: PipelineConfig, pushed_before: set[int]) -> None:
    """Fill in the status (pushed, unchanged, tie, refused, experiment), the pushed version, or why none was pushed.

    The status stays failed if Pusher wrote nothing.

    Args:
        summary: the run's summary, after `read_results`.
        config: the run's configuration.
        pushed_before: the versions that were in the folder of versions before the run.
    """
    if summary.experiment is not None and not any(result.state in (FAILED, SKIPPED) for result in summary.nodes):
        summary.status, summary.not_pushed = EXPERIMENT, f"experiment {summary.experiment.name}"
        return
    pusher = summary.results.get(PUSHER)
    if pusher is None or not pusher.outputs:
        return
    properties = pusher.outputs[0].properties
    if properties.get(atomic_pusher.HELD_BACK) and (version := _find_in_place(summary, config)) is not None:
        # An earlier run with --push-ties pushed this model: there is nothing left to push.
        summary.status, summary.pushed_version = UNCHANGED, version
        summary.pushed_to = str(config.serving / version)
        return
    if not properties.get("pushed"):
        summary.status = REFUSED
        summary.not_pushed = _explain_refusal(summary)
        if properties.get(atomic_pusher.HELD_BACK) in (atomic_pusher.TIE, atomic_pusher.TIE_BEYOND_MARGIN):
            _record_tie(summary, beyond=properties[atomic_pusher.HELD_BACK] == atomic_pusher.TIE_BEYOND_MARGIN)
        if refusal := properties.get(atomic_pusher.REFUSAL):
            summary.error = f"Pusher: {refusal}"
            summary.not_pushed = summary.not_pushed or str(refusal)
        return
    summary.pushed_version = str(properties["pushed_version"])
    summary.pushed_to = str(properties["pushed_destination"])
    if key_id := properties.get(atomic_pusher.SIGNED_BY):
        summary.signed_by = str(key_id)
    summary.status = UNCHANGED if int(summary.pushed_version) in pushed_before else PUSHED


def _name_pushed_models(config: PipelineConfig) -> dict[str, str]:
    """Return the models that were pushed to this run's folder of versions: folder of the model -> version."""
    if not has_metadata(config.metadata):
        return {}
    return name_models(open_metadata_store(config.metadata), config.task.name, config.serving)


def _find_in_place(summary: Summary, config: PipelineConfig) -> str | None:
    """Return the newest version if it is this run's model, else None."""
    version = _name_pushed_models(config).get(str(summary.results[TRAINER].uri("model")))
    return version if version is not None and version == str(newest_version(config.serving)) else None


def _record_tie(summary: Summary, *, beyond: bool) -> None:
    """Record that the model is not distinguishable from the one pushed before.

    Args:
        summary: the run's summary.
        beyond: whether --push-ties was given, but the model may be worse by more than a margin; then it stays refused.
    """
    (found,) = (verdict for verdict in summary.verdicts if verdict.gate == BETTER_GATE)
    summary.not_pushed = found.reasons[0]
    if not beyond:
        summary.status = TIE
        return
    summary.not_pushed += ", and it may be worse by more than a margin allows"
    summary.error = "Pusher: a tie is pushed only where every margin is kept:\n" + "\n".join(
        reason for reason in found.reasons[1:] if "NOT " in reason or "undefined" in reason
    )


def _explain_refusal(summary: Summary) -> str | None:
    """Return the gates that refused, each with its first reason; None if none did."""
    refusals = [f"{one.gate}: {one.reasons[0]}" for one in summary.verdicts if one.passed is False and one.reasons]
    return "; ".join(refusals) or None
