"""Trace lineage: from a model back to its data, code and parameters, and from data to the models trained on it.

It loads neither TFX nor TensorFlow.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.nodes import BLESSED_MODEL_RESOLVER, EXAMPLE_GEN, IMPORT_SCHEMA_GEN, TRAINER
from pipelines.runs.data_source import DataSource, find_data_source, read_data_sources
from pipelines.runs.errors import RunError
from pipelines.runs.metadata import Artifact, Metadata, Step
from pipelines.runs.parameters import read_code_digests, read_hyperparameters, read_parameters
from serving.did_you_mean import closest

_MODEL, _PUSHED = "Model", "PushedModel"  # artifact types
_COLUMNS = (
    "data", "files", "fingerprint", "span", "rows", "task", "run", "model", "trained", "pushed", "versions",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edge:
    """An artifact that one node wrote or found and another read, for a graph."""

    source: str  # node that wrote it, or Resolver that found it
    target: str  # node that read it
    artifact: Artifact
    from_run: str  # run that wrote it: an earlier one if it was found, or came from the cache


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lineage:
    """What a run's model was made of, and its pushed versions; a field that the run did not reach is None or empty."""

    task: str
    run_id: str
    data: DataSource | None
    contract: str  # digest of the contract, 16 hex digits
    code: Mapping[str, str]  # node -> digest of the code that it ran, 16 hex digits
    parameters: Mapping[str, Any]  # of the nodes, by dotted names
    hyperparameters: Mapping[str, Any]
    model: Artifact | None
    trained_by: str | None  # the run that trained it: an earlier one if Trainer came from the cache
    baseline: Artifact | None  # the model pushed before, with which it was compared
    started_from: Artifact | None  # the model whose weights it started from
    versions: tuple[str, ...]  # pushed versions of the model
    steps: tuple[Step, ...]  # of the run; for a cached step, the step that wrote its outputs
    edges: tuple[Edge, ...]


def trace_lineage(metadata: Metadata, run_id: str) -> Lineage:
    """Trace the lineage of one run's model.

    Args:
        metadata: ML Metadata.
        run_id: the run's id.

    Returns:
        The lineage.

    Raises:
        RunError: ML Metadata has no step of the run.
    """
    own = metadata.list_steps(run_id)
    if not own:
        raise RunError(
            f"run {run_id} has no lineage: expected its nodes in ML Metadata, received none; it ended before its first "
            "node, or its metadata is in another folder: name it with --var."
        )
    steps = tuple(metadata.resolve_cached(step) for step in own)
    by_node = {step.node: step for step in steps}
    examples = _find_first(metadata, by_node.get(EXAMPLE_GEN), "outputs", "examples")
    model = _find_first(metadata, by_node.get(TRAINER), "outputs", "model")
    maker = metadata.find_producer(model.id) if model else None
    return Lineage(
        task=own[0].task,
        run_id=run_id,
        data=find_data_source(metadata, examples.id) if examples else None,
        contract=_read_contract_digest(by_node.get(IMPORT_SCHEMA_GEN)),
        code=read_code_digests(steps),
        parameters=read_parameters(steps),
        hyperparameters=read_hyperparameters(steps, metadata),
        model=model,
        trained_by=maker.run_id if maker else None,
        baseline=_find_first(metadata, by_node.get(BLESSED_MODEL_RESOLVER), "resolved", "model"),
        started_from=_find_first(metadata, by_node.get(TRAINER), "inputs", "base_model"),
        versions=find_versions(metadata, model.id) if model else (),
        steps=steps,
        edges=_list_edges(metadata, steps),
    )


def find_pushing_run(metadata: Metadata, version: str, task: str | None = None) -> str:
    """Return the id of the run that pushed a version.

    Raises:
        RunError: No run pushed it, or runs of several tasks did.
    """
    pushed: dict[str, dict[str, str]] = {}  # version -> task -> the run that pushed it first
    for step in metadata.steps.values():
        for name in _pushed_versions(metadata, step) if step.state == "COMPLETE" else ():
            if task in (None, step.task):
                pushed.setdefault(name, {}).setdefault(step.task, step.run_id)
    if version not in pushed:
        close = closest(version, pushed) or max(pushed, default=None)
        known = f"did you mean {close}?" if close else "none was ever pushed"
        raise RunError(f"no run pushed version {version}: {known}")
    if len(pushed[version]) > 1:
        raise RunError(f"version {version} was pushed for {', '.join(pushed[version])}: expected one task; name it.")
    return next(iter(pushed[version].values()))


def find_models_trained_on(
    metadata: Metadata, data: str | Path | None = None, *, span: int | None = None, task: str | None = None
) -> pd.DataFrame:
    """Find the models that were trained on some data; see Runs.models_trained_on."""
    read = [source for source in read_data_sources(metadata) if span in (None, source.span)]
    chosen = [source for source in read if data is None or source.matches(data)]
    if not chosen:
        every = read_data_sources(metadata)
        known = ", ".join(sorted({f"{source.folder} (span {source.span})" for source in every})) or "nothing yet"
        raise RunError(
            f"no run read {data or 'data'}{'' if span is None else f' of span {span}'}: what was read: {known}"
        )
    rows = [
        _make_row(metadata, source, model)
        for source in chosen
        for model in _find_downstream_models(metadata, source.examples.id)
        if task in (None, _require_producer(metadata, model).task)
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def find_versions(metadata: Metadata, model: int) -> tuple[str, ...]:
    """Return the pushed versions of a model, in the order of their pushes."""
    pushes = (step for step in metadata.list_consumers(model) if model in step.inputs.get("model", ()))
    return tuple(dict.fromkeys(version for step in pushes for version in _pushed_versions(metadata, step)))


def _find_downstream_models(metadata: Metadata, examples: int) -> list[int]:
    """Return the ids of the models downstream of an artifact.

    A model that the Evaluator read as a baseline does not lead to the candidate: the Evaluator outputs no model.
    """
    waiting, seen = [examples], set()
    while waiting:
        artifact = waiting.pop()
        if artifact not in seen:
            seen.add(artifact)
            waiting += [made for step in metadata.list_consumers(artifact) for made in step.output_ids]
    return sorted(id for id in seen if metadata.artifacts[id].type == _MODEL)


def _make_row(metadata: Metadata, source: DataSource, model: int) -> dict[str, object]:
    trainer, versions = _require_producer(metadata, model), find_versions(metadata, model)
    return {
        "data": source.folder,
        "files": ", ".join(source.patterns.values()),
        "fingerprint": source.fingerprint,
        "span": source.span,
        "rows": sum(source.rows.values()),
        "task": trainer.task,
        "run": trainer.run_id,
        "model": metadata.artifacts[model].uri,
        "trained": trainer.ended,
        "pushed": bool(versions),
        "versions": list(versions),
    }


def _require_producer(metadata: Metadata, model: int) -> Step:
    maker = metadata.find_producer(model)
    if maker is None:
        raise RunError(
            f"ML Metadata is damaged: expected the node that wrote model {model}, received only nodes that read it."
        )
    return maker


def _pushed_versions(metadata: Metadata, step: Step) -> list[str]:
    made = (artifact for artifact in metadata.get_artifacts(step.output_ids) if artifact.type == _PUSHED)
    return [str(one.properties["pushed_version"]) for one in made if one.properties.get("pushed") == 1]


def _find_first(metadata: Metadata, step: Step | None, side: str, key: str) -> Artifact | None:
    ids = getattr(step, side).get(key, ()) if step else ()
    return metadata.artifacts[ids[0]] if ids else None


def _read_contract_digest(step: Step | None) -> str:
    """Return the contract's digest, which is the name of its copy; see pipelines.resolution.contract_copy."""
    return Path(str(step.parameters.get("schema_file", ""))).stem if step else ""


def _list_edges(metadata: Metadata, steps: tuple[Step, ...]) -> tuple[Edge, ...]:
    makers = {id: step.node for step in steps for id in step.output_ids}
    resolvers: dict[int, str] = {}  # artifact -> the last Resolver before this step that found it
    edges = []
    for step in steps:
        for id in sorted(step.input_ids):
            source, maker = makers.get(id, resolvers.get(id)), metadata.find_producer(id)
            if source is not None and maker is not None:
                artifact = metadata.artifacts[id]
                edges.append(Edge(source=source, target=step.node, artifact=artifact, from_run=maker.run_id))
        resolvers |= {id: step.node for ids in step.resolved.values() for id in ids}
    return tuple(edges)
