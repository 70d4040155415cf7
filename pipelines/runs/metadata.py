"""Read ML Metadata: which nodes ran, when, with which inputs and parameters, and what they wrote.

It loads neither TFX nor TensorFlow.
"""

import dataclasses
import datetime
import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from ml_metadata.errors import StatusError
from ml_metadata.proto import metadata_store_pb2

from components.experiments import EXPERIMENT_CONTEXT
from pipelines.metadata_database import MetadataDatabaseError, connect, has_metadata
from pipelines.runs.errors import RunError

# TFX's names of the types of contexts.
_RUN, _NODE = "pipeline_run", "node"
_INPUTS = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
_OUTPUTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)
_RESOLVED = metadata_store_pb2.Event.INTERNAL_OUTPUT  # what a Resolver found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact:
    """An artifact, such as a Model."""

    id: int
    type: str
    uri: str
    properties: Mapping[str, int | float | str]  # properties and custom properties
    created: datetime.datetime  # UTC

    @property
    def path(self) -> Path:
        """The artifact's folder."""
        return Path(self.uri)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One execution of a node."""

    id: int
    task: str
    node: str
    run_id: str
    state: str  # of ML Metadata: COMPLETE, CACHED, FAILED, RUNNING, …
    ended: datetime.datetime  # UTC; of the last change of state
    parameters: Mapping[str, Any]  # exec properties; JSON is parsed
    inputs: Mapping[str, tuple[int, ...]]  # name of the input -> ids of artifacts
    outputs: Mapping[str, tuple[int, ...]]  # what it wrote; for a cached step, what an earlier step wrote
    resolved: Mapping[str, tuple[int, ...]]  # what a Resolver found

    @property
    def output_ids(self) -> frozenset[int]:
        """The ids of all outputs."""
        return frozenset(id for ids in self.outputs.values() for id in ids)

    @property
    def input_ids(self) -> frozenset[int]:
        """The ids of all inputs."""
        return frozenset(id for ids in self.inputs.values() for id in ids)


class Metadata:
    """The steps and artifacts of one ML Metadata database, as they are at the first access."""

    def __init__(self, database: Path):
        """Open the database.

        Args:
            database: the SQLite file; MySQL is found next to it.

        Raises:
            RunError: There is no database, or it cannot be read.
        """
        if not has_metadata(database):
            raise RunError(
                f"no ML Metadata at {database}: expected the database that `make run-local` writes; "
                "name the right folder with --var, or run the pipeline."
            )
        try:
            self._store = mlmd.MetadataStore(connect(database, read_only=True))
        except (StatusError, RuntimeError, MetadataDatabaseError) as error:
            raise RunError(
                f"the ML Metadata at {database} cannot be read: {error}; if a run is using it, wait until it has ended."
            ) from error

    @functools.cached_property
    def artifacts(self) -> dict[int, Artifact]:
        """All artifacts, by id."""
        return {artifact.id: _artifact(artifact) for artifact in self._store.get_artifacts()}

    @functools.cached_property
    def steps(self) -> dict[int, Step]:
        """All steps of runs, by id, in the order in which they began."""
        nodes, runs = self._contexts(_NODE), self._contexts(_RUN)
        executions = [one for one in self._store.get_executions() if one.id in nodes and one.id in runs]
        events = self._events([execution.id for execution in executions])
        found = (_step(one, nodes[one.id], runs[one.id], events[one.id]) for one in executions)
        return dict(sorted((step.id, step) for step in found))

    def list_steps(self, run_id: str) -> list[Step]:
        """Return the steps of one run, in the order in which they began."""
        return [step for step in self.steps.values() if step.run_id == run_id]

    def resolve_cached(self, step: Step) -> Step:
        """Return the step that wrote the outputs of a cached step; return any other step unchanged."""
        if step.state != "CACHED" or not step.output_ids:
            return step
        makers = (self.find_producer(artifact) for artifact in step.output_ids)
        return next((maker for maker in makers if maker is not None), step)

    def find_producer(self, artifact: int) -> Step | None:
        """Return the step that wrote an artifact; None if no step did."""
        return self._producers.get(artifact)

    def list_consumers(self, artifact: int) -> list[Step]:
        """Return the steps that read an artifact, in the order in which they began."""
        return [step for step in self.steps.values() if artifact in step.input_ids]

    def get_artifacts(self, ids: Iterable[int]) -> list[Artifact]:
        """Return artifacts by their ids."""
        return [self.artifacts[id] for id in ids]

    @functools.cached_property
    def of_experiments(self) -> frozenset[int]:
        """Ids of artifacts that only experiments wrote or took from the cache; no later run is compared with them."""
        experiments = self._contexts(EXPERIMENT_CONTEXT)
        made = {id for step in self.steps.values() if step.id in experiments for id in step.output_ids}
        others = {id for step in self.steps.values() if step.id not in experiments for id in step.output_ids}
        return frozenset(made - others)

    @functools.cached_property
    def _producers(self) -> dict[int, Step]:
        made = [step for step in self.steps.values() if step.state == "COMPLETE"]
        return {artifact: step for step in reversed(made) for artifact in step.output_ids}

    def _contexts(self, type_name: str) -> dict[int, str]:
        """Return the name of each execution's context of that type, by the execution's id."""
        return {
            execution.id: context.name
            for context in self._store.get_contexts_by_type(type_name)
            for execution in self._store.get_executions_by_context(context.id)
        }

    def _events(self, executions: list[int]) -> dict[int, list[metadata_store_pb2.Event]]:
        found = defaultdict(list)
        if executions:
            for event in self._store.get_events_by_execution_ids(executions):
                found[event.execution_id].append(event)
        return found


def _step(
    execution: metadata_store_pb2.Execution, node: str, run_id: str, events: list[metadata_store_pb2.Event]
) -> Step:
    task, _, name = node.partition(".")  # TFX names its node context `<pipeline>.<node>`
    return Step(
        id=execution.id,
        task=task,
        node=name,
        run_id=run_id,
        state=metadata_store_pb2.Execution.State.Name(execution.last_known_state),
        ended=_time(execution.last_update_time_since_epoch),
        parameters={key: _parsed(value) for key, value in sorted(_values(execution.custom_properties).items())},
        inputs=_ids(events, _INPUTS),
        outputs=_ids(events, _OUTPUTS),
        resolved=_ids(events, (_RESOLVED,)),
    )


def _artifact(artifact: metadata_store_pb2.Artifact) -> Artifact:
    return Artifact(
        id=artifact.id,
        type=artifact.type,
        uri=artifact.uri,
        properties=_values(artifact.properties) | _values(artifact.custom_properties),
        created=_time(artifact.create_time_since_epoch),
    )


def _ids(events: list[metadata_store_pb2.Event], types: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    found = defaultdict(list)
    for event in events:
        if event.type in types and event.path.steps:
            found[event.path.steps[0].key].append(event.artifact_id)
    return {key: tuple(ids) for key, ids in sorted(found.items())}


def _values(properties: Mapping[str, metadata_store_pb2.Value]) -> dict[str, int | float | str]:
    kinds = ("int_value", "double_value", "string_value")
    return {
        name: getattr(value, kind) for name, value in properties.items() if (kind := value.WhichOneof("value")) in kinds
    }


def _parsed(value: int | float | str) -> Any:
    """Parse a parameter: TFX stores what is neither a number nor a string as JSON."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:  # A string that is not JSON.
            return value
    return value


def _time(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
