"""A hand-made ML Metadata database, written as TFX writes it, by ML Metadata itself."""

import dataclasses
import itertools
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from components.experiments import EXPERIMENT_CONTEXT

Value = int | str


@dataclasses.dataclass
class MadeHistory:
    """Adds executions one by one. An artifact is named by its id."""

    folder: Path

    def __post_init__(self) -> None:
        connection = pb.ConnectionConfig()
        connection.sqlite.filename_uri = str(self.database)
        connection.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self._store = mlmd.MetadataStore(connection)
        self._contexts: dict[tuple[str, str], int] = {}
        self._numbers = itertools.count(len(self._store.get_artifacts()))

    @property
    def database(self) -> Path:
        return self.folder / "metadata.sqlite"

    def ran(
        self,
        run: str,
        node: str,
        outputs: dict[str, str] | None = None,
        *,
        inputs: dict[str, int] | None = None,
        resolved: dict[str, int] | None = None,
        reused: dict[str, int] | None = None,
        state: str = "COMPLETE",
        told: dict[str, Value] | None = None,
        properties: dict[str, Value] | None = None,
        task: str = "taxi",
        experiment: str | None = None,
    ) -> list[int]:
        """One execution; returns the ids of what it made.

        Args:
            outputs: key -> type of an artifact that is made.
            resolved: key -> an earlier artifact that a resolver picked.
            reused: key -> an earlier artifact, taken from the cache.
            told: parameters.
            properties: custom properties of what is made.
            experiment: the name of the one that it is a part of.
        """
        execution = pb.Execution(
            type_id=self._store.put_execution_type(pb.ExecutionType(name=node)),
            last_known_state=pb.Execution.State.Value(state),
            custom_properties={name: _value(value) for name, value in (told or {}).items()},
        )
        (execution.id,) = self._store.put_executions([execution])
        made = {
            key: self._artifact(f"{task}/{node}/{key}", type_name, properties or {})
            for key, type_name in (outputs or {}).items()
        }
        events = [
            _event(execution.id, artifact, key, kind)
            for artifacts, kind in (
                (inputs, pb.Event.INPUT),
                (made, pb.Event.OUTPUT),
                (reused, pb.Event.OUTPUT),
                (resolved, pb.Event.INTERNAL_OUTPUT),
            )
            for key, artifact in (artifacts or {}).items()
        ]
        self._store.put_events(events)
        contexts = [self._context("pipeline_run", run), self._context("node", f"{task}.{node}")]
        contexts += [self._context(EXPERIMENT_CONTEXT, experiment)] if experiment else []
        filed = [pb.Association(execution_id=execution.id, context_id=context) for context in contexts]
        self._store.put_attributions_and_associations([], filed)
        return list(made.values())

    def _artifact(self, place: str, type_name: str, properties: dict[str, Value]) -> int:
        artifact = pb.Artifact(
            type_id=self._store.put_artifact_type(pb.ArtifactType(name=type_name)),
            uri=str(self.folder / "artifacts" / place / str(next(self._numbers))),
            state=pb.Artifact.LIVE,
            custom_properties={name: _value(value) for name, value in properties.items()},
        )
        (made,) = self._store.put_artifacts([artifact])
        return made

    def _context(self, type_name: str, name: str) -> int:
        if (type_name, name) not in self._contexts:
            kind = self._store.put_context_type(pb.ContextType(name=type_name))
            known = self._store.get_context_by_type_and_name(type_name, name)  # where the database is a copy
            made = known or pb.Context(type_id=kind, name=name)
            (self._contexts[type_name, name],) = self._store.put_contexts([made])
        return self._contexts[type_name, name]


def _event(execution: int, artifact: int, key: str, kind: int) -> pb.Event:
    steps = [pb.Event.Path.Step(key=key), pb.Event.Path.Step(index=0)]
    return pb.Event(execution_id=execution, artifact_id=artifact, type=kind, path=pb.Event.Path(steps=steps))


def _value(value: Value) -> pb.Value:
    return pb.Value(int_value=value) if isinstance(value, int) else pb.Value(string_value=value)
