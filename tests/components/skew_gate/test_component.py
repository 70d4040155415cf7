"""Skew is planted, and seen: what the gate blocks, which feature or signature it names, and why.

What the model server answers is in test_skew_gate_over_the_wire.py; here it is asked where a fault shows there too.
"""

import dataclasses
import functools
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Self

import keras
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.candidate_serving.transports import GRPC_COLUMNS, GRPC_EXAMPLES, REST_COLUMNS, REST_ROWS
from components.missing_rule import MissingRule
from components.signatures import PREDICTIONS, TRAINED_MODEL_FILE
from components.skew_gate import component as skew_gate
from components.skew_gate import model_probe, probe_process
from components.skew_gate.report import SkewReport
from pipelines.modeling import export
from tests import handmade
from tests.handmade import Features

pytestmark = pytest.mark.pipeline


class NoServer:
    """In place of the served candidate: a server start, 3 s, is saved where the fault is not about the wire."""

    def __init__(self, *arguments: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def answers(self, rows: int, batch_size: int, seconds: float) -> list[None]:
        return [None] * (rows > 0)


ROWS = len(handmade.ROWS)
EQUAL = "not equal bit for bit"


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """Everything that the gate reads, as an honest run leaves it; cases change one thing of a copy."""

    directory: Path
    raw: str
    transformed: str
    graph: str
    trained: keras.Model
    model_dir: str

    def gate(self, *, wire: bool = False, **changed: object) -> SkewReport:
        """Compares, with a model server if `wire`; `changed` replaces arguments of skew_gate.compare."""
        workdir = self.directory / "probe"
        workdir.mkdir()
        arguments = {
            "raw_files": [self.raw],
            "transformed_files": [self.transformed],
            "model_dir": self.model_dir,
            "trained": self.trained,
        }
        with pytest.MonkeyPatch.context() as patch:
            if not wire:
                patch.setattr(skew_gate, "ServedCandidate", NoServer)
            return skew_gate.compare(
                workdir=workdir, missing=MissingRule.from_schema(handmade.CONTRACT), **arguments | changed
            )

    def exported(self, model: keras.Model, graph: str) -> str:
        """The folder of a newly exported model."""
        args = handmade.fn_args(self.directory, graph)
        export.export_model(model, args)
        return args.serving_model_dir

    def model_copy(self) -> Path:
        """A copy of the exported model, to be tampered with."""
        return Path(shutil.copytree(self.model_dir, self.directory / "tampered"))


@pytest.fixture(scope="session")
def honest(
    handmade_transform: tuple[str, str], handmade_export: Path, tmp_path_factory: pytest.TempPathFactory
) -> World:
    directory = tmp_path_factory.mktemp("honest")
    graph, transformed = handmade_transform
    return World(
        directory=directory,
        raw=handmade.write_records(directory / "raw-00000-of-00001.gz", map(handmade.to_example, handmade.ROWS)),
        transformed=transformed,
        graph=graph,
        trained=keras.saving.load_model(handmade_export.parent / "run" / TRAINED_MODEL_FILE),
        model_dir=str(handmade_export),
    )


@pytest.fixture
def world(honest: World, tmp_path: Path) -> World:
    return dataclasses.replace(honest, directory=tmp_path)


def differing(report: SkewReport) -> set[str]:
    """Names of features that differ, and of signatures, without their batch sizes."""
    comparisons = report.as_dict()["comparisons"]
    return {c["name"].removeprefix("feature ").partition(",")[0] for c in comparisons if c["differences"]}


def reason(report: SkewReport, name: str) -> str:
    """The one reason about `name`."""
    (found,) = [reason for reason in report.reasons() if reason.startswith(f"{name}: ")]
    return found


SERVING = {"serving_default", "serving_raw"}
FROM_COLUMNS = {REST_ROWS, REST_COLUMNS, GRPC_COLUMNS}
OVER_THE_WIRE = {GRPC_EXAMPLES} | FROM_COLUMNS


def test_an_honest_model_is_blessed(world: World) -> None:
    report = world.gate(wire=True)
    assert report.reasons() == []
    assert report.blessed
    record = report.as_dict()
    assert (record["rows"], record["differences"]) == (ROWS, 0)
    assert {c["rows"] for c in record["comparisons"]} == {ROWS}
    assert [c["name"] for c in record["comparisons"]] == [
        *(f"feature {name}" for name in ("big_tip", "company", "company_name", "fare", "hour")),
        *(f"feature {name}" for name in ("miles", "miles_missing", "payment", "seconds")),
        *(
            name
            for signature in ("serving_default", "serving_raw")
            for size in (1, 7, 64)
            for name in (f"{signature}, batch size {size}", f"{signature}, batch size {size} against 512")
            + ((f"{signature}, batch size 512",) if size == 64 else ())
        ),
        *(
            name
            for size in (512, 1)
            for name in (
                *(f"{transport}, batch size {size}" for transport in (REST_ROWS, REST_COLUMNS)),
                *(f"{transport}, batch size {size}" for transport in (GRPC_EXAMPLES, GRPC_COLUMNS)),
                *(f"{rest}, batch size {size} against gRPC columns" for rest in (REST_ROWS, REST_COLUMNS)),
            )
        ),
    ]
    latency = record["latency"]
    assert set(latency) == OVER_THE_WIRE
    for measured in latency.values():
        assert measured["calls"] == ROWS
        assert 0 < measured["p50_ms"] <= measured["p95_ms"]


OTHER_FEATURES = {
    "another default fill": (Features(miles_default=5.0), {"miles"} | SERVING),
    "a dropped missing-value branch": (Features(keeps_missing_flag=False), {"miles_missing"} | SERVING),
    "a shifted bucket edge": (Features(hour_edges=(6.0, 13.0, 18.0)), {"hour"} | SERVING),
    "another dtype": (Features(seconds_dtype=tf.float32), {"seconds"}),
    "another label": (Features(tip_share=0.1), {"big_tip"}),
    "a feature less": (Features(keeps_company_name=False), {"company_name"}),
}


@pytest.fixture(scope="session")
def exported_with(honest: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Features], SkewReport]:
    """Reports on the trained model behind the graph of other features, each made once."""

    @functools.cache
    def gate(features: Features) -> SkewReport:
        world = dataclasses.replace(honest, directory=tmp_path_factory.mktemp("other"))
        graph, _ = handmade.transform(world.directory, features)
        return world.gate(model_dir=world.exported(world.trained, graph))

    return gate


@pytest.mark.parametrize(("features", "expected"), OTHER_FEATURES.values(), ids=OTHER_FEATURES.keys())
def test_exported_with_other_features(
    exported_with: Callable[[Features], SkewReport], features: Features, expected: set[str]
) -> None:
    report = exported_with(features)
    assert not report.blessed
    assert differing(report) == expected


def test_the_worst_row_is_shown_with_raw_value_and_both_results(
    exported_with: Callable[[Features], SkewReport],
) -> None:
    report = exported_with(Features(hour_edges=(6.0, 13.0, 18.0)))
    at_noon = [row for row, trip in enumerate(handmade.ROWS) if trip["hour"] == 12]
    assert reason(report, "feature hour").startswith(
        f"feature hour: {len(at_noon)} of {ROWS} rows are {EQUAL}; worst at row 12: "
        "batch path 2, exported model 1, raw row {'company': 'company 0', 'fare': 36.25, 'hour': 12, "
    )
    (hour,) = [c for c in report.as_dict()["comparisons"] if c["name"] == "feature hour"]
    assert hour["worst"]["values"] == {"batch path": 2, "exported model": 1}
    assert hour["worst"]["raw"]["hour"] == 12


def test_another_dtype_is_named(exported_with: Callable[[Features], SkewReport]) -> None:
    assert reason(exported_with(Features(seconds_dtype=tf.float32)), "feature seconds") == (
        f"feature seconds: batch path has int64 [{ROWS}, 1], exported model has float32 [{ROWS}, 1]"
    )


OTHER_ROWS = {
    "scaled with other moments": ([row | {"fare": 2 * row["fare"]} for row in handmade.ROWS], {"fare"} | SERVING),
    "an older graph": (handmade.ROWS[:9], {"company", "fare", "miles"} | SERVING),
}


@pytest.mark.parametrize(("rows", "expected"), OTHER_ROWS.values(), ids=OTHER_ROWS.keys())
def test_exported_with_a_graph_of_other_rows(world: World, rows: list[handmade.Row], expected: set[str]) -> None:
    graph, _ = handmade.transform(world.directory, Features(), rows)
    report = world.gate(model_dir=world.exported(world.trained, graph))
    assert not report.blessed
    assert differing(report) == expected


def test_a_model_of_another_training(world: World) -> None:
    report = world.gate(model_dir=world.exported(handmade.build_model(seed=2), world.graph))
    assert differing(report) == SERVING
    assert f"{ROWS} of {ROWS} rows are {EQUAL}" in reason(report, "serving_default, batch size 64")


def test_swapped_vocabulary_files(world: World) -> None:
    assets = world.model_copy() / "assets"
    payment, company = (assets / "payment").read_bytes(), (assets / "company").read_bytes()
    (assets / "payment").write_bytes(company)
    (assets / "company").write_bytes(payment)
    report = world.gate(model_dir=str(assets.parent))
    assert differing(report) == {"payment", "company"} | SERVING


def test_an_asset_edited_after_export(world: World) -> None:
    vocabulary = world.model_copy() / "assets" / "company"
    words = vocabulary.read_text().splitlines()
    vocabulary.write_text("\n".join([words[1], words[0], *words[2:]]) + "\n")
    report = world.gate(model_dir=str(vocabulary.parents[1]))
    assert differing(report) == {"company"} | SERVING
    moved = sum((row["company"] or "(missing)") in words[:2] for row in handmade.ROWS)
    assert reason(report, "feature company").startswith(f"feature company: {moved} of {ROWS} rows are {EQUAL}; ")


def test_reordered_rows(world: World) -> None:
    records = handmade.read_records(world.transformed)
    random.Random(0).shuffle(records)
    report = world.gate(transformed_files=[handmade.write_records(world.directory / "reordered.gz", records)])
    assert not report.blessed
    assert report.reasons()[0] == (
        "raw and transformed examples hold the same rows in another order: rows cannot be paired by position"
    )


def test_a_dropped_row(world: World) -> None:
    records = handmade.read_records(world.transformed)
    report = world.gate(transformed_files=[handmade.write_records(world.directory / "fewer.gz", records[:-1])])
    assert report.reasons() == [f"rows do not pair: {ROWS} raw, {ROWS - 1} transformed"]


class TakesMissingForAValue(export.ServedModel):
    def _as_parsed(self, name: str, values: tf.Tensor) -> tf.Tensor | tf.SparseTensor:
        column = tf.expand_dims(values, axis=1)
        dense = isinstance(self._request_spec[name], tf.io.FixedLenFeature)
        return column if dense else tf.sparse.from_dense(column)


class ForgetsAFeature(export.ServedModel):
    @tf.function
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = tf.io.parse_example(examples, self._row_spec)
        return {name: values for name, values in self._transform_layer(raw).items() if name != "seconds"}


class NeedsPython(export.ServedModel):
    def _predict(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        predictions = super()._predict(raw)[PREDICTIONS]
        again = tf.numpy_function(lambda values: values, [predictions], tf.float32)
        return {PREDICTIONS: tf.ensure_shape(again, predictions.shape)}


def exported_as(world: World, monkeypatch: pytest.MonkeyPatch, served: type[export.ServedModel]) -> str:
    monkeypatch.setattr(export, "ServedModel", served)
    return world.exported(world.trained, world.graph)


def test_serving_raw_that_does_not_know_the_missing_rule(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    report = world.gate(wire=True, model_dir=exported_as(world, monkeypatch, TakesMissingForAValue))
    assert differing(report) == {"serving_raw"} | FROM_COLUMNS


def test_a_feature_missing_from_the_export(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    report = world.gate(model_dir=exported_as(world, monkeypatch, ForgetsAFeature))
    assert report.reasons() == ["feature seconds: Transform wrote it, the exported model lacks it"]


def test_an_answer_that_depends_on_the_batch(world: World) -> None:
    model = handmade.build_model(looks_at_batch=True)
    report = world.gate(trained=model, model_dir=world.exported(model, world.graph))
    assert not report.blessed
    rules = {c["rule"] for c in report.as_dict()["comparisons"] if c["differences"]}
    assert rules == {"within 1e-06 (relative beyond 1)"}
    found = reason(report, "serving_raw, batch size 1 against 512")
    assert f"{ROWS} of {ROWS} rows are not within 1e-06 (relative beyond 1); worst at row " in found
    assert ": at batch size 512 0." in found
    assert ", at batch size 1 0." in found


def missing_asset(model: Path) -> None:
    (model / "assets" / "payment").unlink()


def cut_variables(model: Path) -> None:
    variables = model / "variables" / "variables.data-00000-of-00001"
    variables.write_bytes(variables.read_bytes()[:40])


BROKEN = {
    "a missing asset": (missing_asset, "assets/payment", "assets/payment; No such file or directory"),
    "cut variables": (cut_variables, "Error: ", "Failed to start server. Error: "),
}


@pytest.mark.parametrize(("break_it", "word", "by_server_word"), BROKEN.values(), ids=BROKEN.keys())
def test_a_model_that_does_not_load(
    world: World, break_it: Callable[[Path], None], word: str, by_server_word: str
) -> None:
    model = world.model_copy()
    break_it(model)
    by_server, found = world.gate(wire=True, model_dir=str(model)).reasons()
    assert found.startswith("the exported model does not answer in a fresh process: ")
    assert word in found
    assert by_server.startswith("the model server does not serve the exported model: ")
    assert by_server_word in by_server


def test_a_model_that_needs_this_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    by_server, found = world.gate(wire=True, model_dir=exported_as(world, monkeypatch, NeedsPython)).reasons()
    assert found.startswith("the exported model does not answer in a fresh process: ")
    assert "callback" in found
    assert by_server.startswith("the model server does not serve the exported model: ")
    assert "callback" in by_server


def planted_probe(world: World, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Makes the gate start a probe that first runs `code`."""
    script = world.directory / "planted.py"
    script.write_text(f"import runpy, sys\n{code}\nrunpy.run_path({model_probe.__file__!r}, run_name='__main__')\n")
    monkeypatch.setattr(model_probe, "__file__", str(script))


def test_the_process_is_fresh(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", root)
    planted_probe(
        world, monkeypatch, f"assert {root!r} not in sys.path\nassert 'tensorflow_transform' not in sys.modules"
    )
    assert world.gate().blessed


def test_a_forbidden_import_is_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(__file__).parents[3])
    planted_probe(world, monkeypatch, f"sys.path.append({root!r})\nimport components")
    assert world.gate().reasons() == [
        "loading the exported model also loads components, which the model server does not have"
    ]


def test_a_probe_that_dies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_probe(
        world, monkeypatch, "sys.stderr.write('no more memory\\n'); sys.stderr.flush(); import os; os._exit(9)"
    )
    assert world.gate().reasons() == [
        "the exported model does not answer in a fresh process: no more memory (exit status 9)"
    ]


def test_a_probe_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_probe(world, monkeypatch, "import threading; threading.Event().wait()")
    assert world.gate(time_limit=0.25).reasons() == [
        "the exported model does not answer in a fresh process: it was not done after 0.5 s"
    ]


def test_the_probe_ends_with_the_gate(world: World) -> None:
    missing = MissingRule.from_schema(handmade.CONTRACT)
    with probe_process.started(world.directory, [world.raw], world.model_dir, missing, (1,)) as probe:
        assert probe.stdin is not None
        probe.stdin.close()  # as it closes when the gate dies
        assert probe.wait() == 1
    assert not (world.directory / model_probe.DONE_NAME).exists()


def test_transformed_rows_that_are_not_dense(world: World) -> None:
    records = [handmade.to_example({"x": [1.0, 2.0]}), handmade.to_example({"x": 1.0})]
    with pytest.raises(ValueError, match="transformed feature x is not dense") as error:
        world.gate(transformed_files=[handmade.write_records(world.directory / "ragged.gz", records)])
    assert str(error.value) == (
        "transformed feature x is not dense: expected one type and number of values in each of 2 rows, received "
        "[('float_list', 1), ('float_list', 2)] in 2 rows; densify it in preprocessing_fn."
    )


def artifact(kind: type, uri: Path, split: str | None = None) -> object:
    result = kind()
    result.uri = str(uri)
    if split:
        result.split_names = artifact_utils.encode_split_names([split])
    return result


def run_component(world: World, **more: object) -> standard_artifacts.InfraBlessing:
    """Runs SkewGate itself, on artifacts laid out as TFX lays them out."""
    for folder, source in (("raw", world.raw), ("transformed", world.transformed)):
        split = world.directory / folder / "Split-eval"
        split.mkdir(parents=True)
        shutil.copy(source, split)
    shutil.copytree(world.model_dir, world.directory / "model" / "Format-Serving")
    blessing = artifact(standard_artifacts.InfraBlessing, world.directory / "blessing")
    Path(blessing.uri).mkdir()
    honest_run = Path(world.model_dir).parent
    skew_gate.SkewGate.test_call(
        examples=artifact(standard_artifacts.Examples, world.directory / "raw", "eval"),
        transformed_examples=artifact(standard_artifacts.Examples, world.directory / "transformed", "eval"),
        model=artifact(standard_artifacts.Model, world.directory / "model"),
        model_run=artifact(standard_artifacts.ModelRun, honest_run / "run"),
        schema=artifact(standard_artifacts.Schema, honest_run / "contract"),
        blessing=blessing,
        split="eval",
        trainer_module="tests.handmade",
        warmup_batch_sizes="[1, 8]",
        time_limit=600,
        code_digest="",
        **more,
    )
    return blessing


def test_component_blesses(world: World) -> None:
    blessing = run_component(world)
    assert blessing.get_int_custom_property("blessed") == 1
    assert sorted(path.name for path in Path(blessing.uri).iterdir()) == [
        "INFRA_BLESSED", "report.json", "tf_serving_warmup_requests"
    ]  # fmt: skip
    report = json.loads((Path(blessing.uri) / "report.json").read_text())
    assert (report["blessed"], report["rows"], report["reasons"]) == (True, ROWS, [])


def test_component_refuses(world: World) -> None:
    other = handmade.write_records(world.directory / "raw-00000-of-00001.gz", [handmade.to_example(handmade.ROWS[0])])
    blessing = run_component(dataclasses.replace(world, raw=other))
    assert blessing.get_int_custom_property("blessed") == 0
    assert sorted(path.name for path in Path(blessing.uri).iterdir()) == [
        "INFRA_NOT_BLESSED", "model_server.log", "report.json"
    ]  # fmt: skip
    assert "Ready: gRPC on port" in (Path(blessing.uri) / "model_server.log").read_text()
    report = json.loads((Path(blessing.uri) / "report.json").read_text())
    assert report["reasons"] == [f"rows do not pair: 1 raw, {ROWS} transformed"]


@pytest.mark.parametrize("blessed", [0, 1])
def test_component_wants_what_infra_validator_blessed(world: World, tmp_path: Path, blessed: int) -> None:
    infra_validation = artifact(standard_artifacts.InfraBlessing, tmp_path / "infra")
    infra_validation.set_int_custom_property("blessed", blessed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skew_gate, "ServedCandidate", NoServer)
        blessing = run_component(world, infra_validation=infra_validation)
    assert blessing.get_int_custom_property("blessed") == blessed
    report = json.loads((Path(blessing.uri) / "report.json").read_text())
    assert report["reasons"] == [
        "TensorFlow Serving itself does not serve the model: InfraValidator refused it; see the log of the run"
    ] * (1 - blessed)


@pytest.mark.parametrize("folder", ["raw", "run"])
def test_component_says_what_is_not_there(world: World, tmp_path: Path, folder: str) -> None:
    empty = artifact(standard_artifacts.Examples, tmp_path / folder, "eval")
    if folder == "raw":
        with pytest.raises(ValueError, match=r"no Examples of split 'eval' in .*: expected \*.gz files, received none"):
            skew_gate._files(empty, "eval")
    else:
        with pytest.raises(
            ValueError, match=r"the Trainer left no trained\.keras: expected the trained model in .*run"
        ):
            skew_gate._trained(Path(empty.uri) / TRAINED_MODEL_FILE)
