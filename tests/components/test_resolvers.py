"""What this run's data and model are compared with."""

from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio
from tfx.types import artifact
from tfx.types.standard_artifacts import ExampleStatistics, Model

from components.artifacts import DataBlessing, ModelComparison
from components.experiments import EXPERIMENT_CONTEXT
from components.pushed_models import name_models
from components.resolvers import (
    COMPARISONS,
    CURRENT,
    DATA_BLESSING,
    EARLIER,
    MODEL,
    STATISTICS,
    ArtifactsByUri,
    LatestAcceptedStatistics,
    PreviousSpanStatistics,
    PushedModels,
)


def make_store() -> MetadataStore:
    """An empty one, in memory."""
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    return MetadataStore(config)


@pytest.fixture(autouse=True)
def _empty(ram: str) -> None:  # what is asked for is its file system
    """No test finds the artifacts of another one."""
    if fileio.exists(uri_of(0).removesuffix("0")):
        fileio.rmtree(uri_of(0).removesuffix("/0"))


def uri_of(number: int) -> str:
    return f"ram://resolvers/{number}"


def with_id(made: artifact.Artifact, number: int) -> artifact.Artifact:
    """An artifact that is there, on a file system that is no disk."""
    made.id = number
    made.uri = uri_of(number)
    fileio.makedirs(made.uri)
    return made


def accept(statistics: int) -> DataBlessing:
    """A blessing of these statistics, without an id."""
    blessing = DataBlessing()
    blessing.set_string_custom_property(DataBlessing.STATISTICS_URI, uri_of(statistics))
    return blessing


def resolve_statistics(
    statistics: list[int], blessings: dict[int, int], current: int = 99
) -> tuple[list[int], list[int]]:
    """Ids of the statistics and the blessing that are picked; `blessings` maps a blessing's id to its statistics'."""
    blessed = [with_id(accept(accepted), number) for number, accepted in blessings.items()]
    known = {
        STATISTICS: [with_id(ExampleStatistics(), number) for number in statistics],
        DATA_BLESSING: blessed,
        CURRENT: [with_id(ExampleStatistics(), current)],
    }
    picked = LatestAcceptedStatistics().resolve_artifacts(make_store(), known)
    return [found.id for found in picked[STATISTICS]], [found.id for found in picked[DATA_BLESSING]]


@pytest.mark.parametrize(
    ("statistics", "blessings", "expected"),
    [
        ([], {}, ([], [])),
        ([1], {}, ([], [])),
        ([1, 3, 5], {2: 1, 4: 3, 6: 5}, ([5], [6])),
        ([5, 1, 3], {6: 5, 2: 1, 4: 3}, ([5], [6])),
        ([1, 3, 5], {2: 1, 4: 3}, ([3], [4])),
        ([1, 3], {2: 1, 4: 3, 6: 1}, ([1], [6])),
        ([1], {2: 1, 4: 3}, ([1], [2])),
    ],
    ids=[
        "empty store",
        "nothing accepted",
        "newest of all",
        "newest in any order",
        "refused data is no yardstick",
        "accepted again",
        "deleted statistics",
    ],
)
def test_accepted_statistics(
    statistics: list[int], blessings: dict[int, int], expected: tuple[list[int], list[int]]
) -> None:
    assert resolve_statistics(statistics, blessings) == expected


def test_data_is_not_compared_with_itself() -> None:
    assert resolve_statistics([1, 3], {2: 1, 4: 3}, current=3) == ([1], [2])
    assert resolve_statistics([3], {4: 3}, current=3) == ([], [])


def test_statistics_whose_folder_is_gone_are_no_yardstick(tmp_path: Path) -> None:
    gone = with_id(ExampleStatistics(), 1)
    gone.uri = str(tmp_path / "gone")
    blessing = with_id(DataBlessing(), 2)
    blessing.set_string_custom_property(DataBlessing.STATISTICS_URI, gone.uri)
    known = {STATISTICS: [gone], DATA_BLESSING: [blessing], CURRENT: [with_id(ExampleStatistics(), 3)]}
    assert LatestAcceptedStatistics().resolve_artifacts(make_store(), known)[STATISTICS] == []


# Other orchestrators' ids are hashes of 63 bits, which pass through doubles: these two are one number then.
HASHES = (2**62 + 1, 2**62 + 2)


def through_doubles(made: artifact.Artifact) -> artifact.Artifact:
    """What another orchestrator hands on of an artifact: each number was a double once."""
    made.id = int(float(made.id))
    for value in made.mlmd_artifact.custom_properties.values():
        if value.HasField("int_value"):
            value.int_value = int(float(value.int_value))
    return made


@pytest.mark.parametrize("accepted", HASHES)
def test_accepted_statistics_are_found_where_an_id_is_more_than_a_double_holds(accepted: int) -> None:
    assert len(set(map(float, HASHES))) == 1
    known = {
        STATISTICS: [through_doubles(with_id(ExampleStatistics(), number)) for number in HASHES],
        DATA_BLESSING: [through_doubles(with_id(accept(accepted), 2**62 + 3))],
        CURRENT: [through_doubles(with_id(ExampleStatistics(), 2**62 + 4))],
    }
    (picked,) = LatestAcceptedStatistics().resolve_artifacts(make_store(), known)[STATISTICS]
    assert picked.uri == uri_of(accepted)


def test_statistics_of_spans_are_no_yardstick_for_those_of_files() -> None:
    of_files, of_spans, current = (with_id(ExampleStatistics(), number) for number in (1, 3, 5))
    of_spans.span = 16071
    blessings = [with_id(accept(1), 2), with_id(accept(3), 4)]
    known = {STATISTICS: [of_files, of_spans], DATA_BLESSING: blessings, CURRENT: [current]}
    picked = LatestAcceptedStatistics().resolve_artifacts(make_store(), known)
    assert [found.id for found in picked[STATISTICS]] == [1]


@pytest.fixture
def store() -> MetadataStore:
    return make_store()


class Pushes:
    """A pipeline whose runs push models, or do not: what ML Metadata knows of them."""

    def __init__(self, store: MetadataStore, pipeline: str = "own"):
        self._store = store
        self._models = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Model"))
        self._pushes = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="PushedModel"))
        self._pusher = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Pusher"))
        kind = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline"))
        (self._pipeline,) = store.put_contexts([metadata_store_pb2.Context(type_id=kind, name=pipeline)])

    def make(self) -> int:
        """Makes a model, and returns its id."""
        artifact = metadata_store_pb2.Artifact(type_id=self._models)
        (artifact.id,) = self._store.put_artifacts([artifact])
        artifact.uri = uri_of(artifact.id)
        self._store.put_artifacts([artifact])
        return int(artifact.id)

    def push(
        self, model: int, version: str, *, pushed: bool = True, displaced: bool = False, folder: str = "/serving"
    ) -> None:
        """Pushes a model, or decides not to; the copy of a displaced push is gone."""
        artifact = metadata_store_pb2.Artifact(type_id=self._pushes)
        artifact.custom_properties["pushed"].int_value = int(pushed)
        artifact.custom_properties["pushed_version"].string_value = version if pushed else ""
        artifact.custom_properties["pushed_destination"].string_value = f"{folder}/{version}" if pushed else ""
        artifact.state = metadata_store_pb2.Artifact.DELETED if displaced else metadata_store_pb2.Artifact.LIVE
        read = metadata_store_pb2.Event(artifact_id=model, type=metadata_store_pb2.Event.INPUT)
        read.path.steps.add().key = "model"
        made = metadata_store_pb2.Event(type=metadata_store_pb2.Event.OUTPUT)
        made.path.steps.add().key = "pushed_model"
        known = self._store.get_artifacts_by_id([model])[0]
        execution = metadata_store_pb2.Execution(type_id=self._pusher)
        context = self._store.get_contexts_by_id([self._pipeline])[0]
        self._store.put_execution(execution, [(known, read), (artifact, made)], [context])


def resolve_models(
    store: MetadataStore, models: list[int], current: int | None, versions: int = 1, compared: tuple[int, ...] = ()
) -> tuple[list[int], list[int], list[int]]:
    """Ids of the last model that was pushed, of those before it, and of the models whose comparisons are picked."""
    known: dict[str, list[artifact.Artifact]] = {
        MODEL: [with_id(Model(), number) for number in models],
        EARLIER: [with_id(Model(), number) for number in models],
        COMPARISONS: [],
    }
    for number, model in enumerate(compared, start=100):
        made = with_id(ModelComparison(), number)
        made.set_string_custom_property(ModelComparison.MODEL_URI, uri_of(model))
        known[COMPARISONS].append(made)
    if current is not None:
        known[CURRENT] = [with_id(Model(), current)]
    picked = PushedModels("own", versions).resolve_artifacts(store, known)
    return (
        [found.id for found in picked[MODEL]],
        [found.id for found in picked[EARLIER]],
        [int(found.get_string_custom_property(ModelComparison.MODEL_URI)[-1]) for found in picked[COMPARISONS]],
    )


def test_a_model_is_compared_with_the_one_pushed_last_and_with_those_before(store: MetadataStore) -> None:
    made = Pushes(store)
    first, second, tie, current = (made.make() for _ in range(4))
    assert resolve_models(store, [current], current) == ([], [], [])
    made.push(first, "11", displaced=True)  # a later push put its copy out of use, not its model
    made.push(second, "12")
    made.push(tie, "", pushed=False)
    every = [first, second, tie, current]
    assert resolve_models(store, every, current) == ([second], [], [])
    assert resolve_models(store, every, current, versions=5, compared=every) == ([second], [first], [second, first])
    assert resolve_models(store, every, None) == ([second], [], [])  # a warm start
    assert resolve_models(store, every, second, versions=5)[:2] == ([first], [])  # never itself
    assert resolve_models(store, [first, current], current)[0] == [first]  # gc took the folder of the second
    made.push(first, "13")
    assert resolve_models(store, every, current, versions=5)[:2] == ([first], [second])  # pushed again
    made.push(current, "14")
    assert resolve_models(store, every, current, versions=5)[:2] == ([first], [second])  # an unchanged run


def test_what_was_pushed_elsewhere_is_no_yardstick(store: MetadataStore) -> None:
    made = Pushes(store)
    here, elsewhere = made.make(), made.make()
    made.push(here, "11")
    made.push(elsewhere, "12", folder="/staging")
    known = {MODEL: [with_id(Model(), number) for number in (here, elsewhere)]}
    for folder, expected in (("/serving", [here]), ("/staging", [elsewhere]), ("/new", []), ("", [elsewhere])):
        picked = PushedModels("own", 5, folder).resolve_artifacts(store, dict(known))
        assert [found.id for found in picked[MODEL]] == expected
    assert name_models(store, "own", Path("/staging")) == {uri_of(elsewhere): "12"}


def test_what_another_pipeline_pushed_is_no_yardstick(store: MetadataStore) -> None:
    others = Pushes(store, "another")
    model = others.make()
    others.push(model, "11")
    assert resolve_models(store, [model], None)[0] == []


def test_versions_are_named_after_the_last_push_of_a_model(store: MetadataStore) -> None:
    made = Pushes(store)
    model = made.make()
    made.push(model, "11")
    made.push(model, "12")
    assert name_models(store, "own") == {uri_of(model): "12"}
    assert name_models(store, "unknown") == {}


def test_data_that_only_an_experiment_accepted_is_no_yardstick(store: MetadataStore) -> None:
    gate = store.put_execution_type(metadata_store_pb2.ExecutionType(name="AnomalyGate"))
    blessings = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="DataBlessing"))
    experiments = store.put_context_type(metadata_store_pb2.ContextType(name=EXPERIMENT_CONTEXT))
    (stored,) = store.put_artifacts([metadata_store_pb2.Artifact(type_id=blessings)])

    def run(*contexts: metadata_store_pb2.Context) -> None:
        made = metadata_store_pb2.Event(type=metadata_store_pb2.Event.OUTPUT, artifact_id=stored)
        made.path.steps.add().key = "blessing"
        execution = metadata_store_pb2.Execution(type_id=gate)
        store.put_execution(execution, [(store.get_artifacts_by_id([stored])[0], made)], list(contexts))

    def pick() -> list[int]:
        blessing = with_id(accept(50), stored)
        known = {STATISTICS: [with_id(ExampleStatistics(), 50)], DATA_BLESSING: [blessing]}
        current = {CURRENT: [with_id(ExampleStatistics(), 99)]}
        return [found.id for found in LatestAcceptedStatistics().resolve_artifacts(store, known | current)[STATISTICS]]

    run(metadata_store_pb2.Context(type_id=experiments, name="night"))
    assert pick() == []
    others = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    run(metadata_store_pb2.Context(type_id=others, name="20261129"))  # a run that may push took it from the cache
    assert pick() == [50]


@pytest.mark.parametrize(
    ("spans", "blessings", "current", "expected"),
    [
        ({}, {}, 10, []),
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 10, [2]),
        ({1: 5, 2: 7}, {3: 2, 4: 1}, 10, [2]),  # the span before, whenever it was ingested
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 7, [1]),  # not another version of itself
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 6, [1]),  # nor a later one
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 5, []),
        ({1: 5, 2: 7}, {3: 1}, 10, [1]),  # refused spans are no yardstick
        ({1: 5, 2: 5}, {3: 1, 4: 2}, 6, [2]),  # the version that was accepted last
        ({1: 5, 2: 5}, {3: 2, 4: 1}, 6, [1]),
    ],
)
def test_a_span_is_compared_with_the_accepted_span_before_it(
    spans: dict[int, int], blessings: dict[int, int], current: int, expected: list[int]
) -> None:
    def of_span(number: int, span: int) -> artifact.Artifact:
        made = with_id(ExampleStatistics(), number)
        made.span = span
        return made

    blessed = [with_id(accept(accepted), number) for number, accepted in blessings.items()]
    picked = PreviousSpanStatistics().resolve_artifacts(
        None,
        {
            STATISTICS: [of_span(number, span) for number, span in spans.items()],
            DATA_BLESSING: blessed,
            CURRENT: [of_span(99, current)],
        },
    )
    assert [found.id for found in picked[STATISTICS]] == expected


def test_artifacts_of_another_pipeline_are_picked_by_their_uris(store: MetadataStore) -> None:
    made = Pushes(store, "another")
    first, second, gone = (made.make() for _ in range(3))
    for number in (first, second):
        fileio.makedirs(uri_of(number))
    wanted = {MODEL: [uri_of(number) for number in (second, first, gone)]}
    picked = ArtifactsByUri(wanted).resolve_artifacts(store, {MODEL: [], EARLIER: []})
    assert [found.id for found in picked[MODEL]] == [first, second]
    assert picked[EARLIER] == []
