"""SkewGate itself: the whole gate once, its two processes when they fail, and the verdict that it leaves."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.candidate_serving import candidate_server, warmup_records
from components.candidate_serving.standby import Standby
from components.candidate_serving.transports import GRPC_COLUMNS, GRPC_EXAMPLES, REST_COLUMNS, REST_ROWS
from components.signatures import PREDICTIONS, TRAINED_MODEL_FILE
from components.skew_gate import component, model_probe
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.columns import Columns
from components.skew_gate.component import SkewGate
from components.skew_gate.model_probe import FILLED
from components.skew_gate.report import SkewReport
from pipelines.modeling import export
from tests.components.skew_gate.world import MISSING, ROWS, World

pytestmark = pytest.mark.pipeline

BY_SERVER = "the model server does not serve the exported model: "
BY_PROBE = "the exported model does not answer in a fresh process: "


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
    model = artifact(standard_artifacts.Model, world.directory / "model")
    blessing = artifact(standard_artifacts.InfraBlessing, world.directory / "blessing")
    Path(blessing.uri).mkdir()
    honest_run = Path(world.model_dir).parent
    parameters = {
        "split": "eval",
        "trainer_module": "tests.handmade",
        "warmup_batch_sizes": "[1, 8]",
        "feature_parts": '{"numbers": ["fare", "miles"]}',
        "time_limit": 600,
        "code_digest": "",
    }
    SkewGate.test_call(
        examples=artifact(standard_artifacts.Examples, world.directory / "raw", "eval"),
        transformed_examples=artifact(standard_artifacts.Examples, world.directory / "transformed", "eval"),
        model=model,
        model_run=artifact(standard_artifacts.ModelRun, honest_run / "run"),
        schema=artifact(standard_artifacts.Schema, honest_run / "contract"),
        blessing=blessing,
        **parameters | more,
    )
    assert blessing.get_string_custom_property("model_uri") == model.uri
    return blessing


def files_in(blessing: standard_artifacts.InfraBlessing) -> list[str]:
    return sorted(path.name for path in Path(blessing.uri).iterdir())


def report_in(blessing: standard_artifacts.InfraBlessing) -> dict[str, object]:
    return json.loads((Path(blessing.uri) / "report.json").read_text())


@pytest.mark.parametrize("ready", [contextlib.nullcontext(), Standby()], ids=["new processes", "standby process"])
def test_the_whole_gate_blesses_an_honest_model(world: World, ready: AbstractContextManager[object]) -> None:
    with ready:
        blessing = run_component(world)
    assert blessing.get_int_custom_property("blessed") == 1
    assert files_in(blessing) == ["INFRA_BLESSED", "report.json", "tf_serving_warmup_requests"]
    report = report_in(blessing)
    assert (report["blessed"], report["rows"], report["differences"], report["reasons"]) == (True, ROWS, 0, [])
    assert {c["rows"] for c in report["comparisons"]} == {ROWS}
    assert [c["name"] for c in report["comparisons"]] == [
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
    assert set(report["latency"]) == {GRPC_EXAMPLES, GRPC_COLUMNS, REST_ROWS, REST_COLUMNS}
    for measured in report["latency"].values():
        assert measured["calls"] == ROWS
        assert 0 < measured["p50_ms"] <= measured["p95_ms"]


class NeedsPython(export.ServedModel):
    def _predict(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        predictions = super()._predict(raw)[PREDICTIONS]
        again = tf.numpy_function(lambda values: values, [predictions], tf.float32)
        return {PREDICTIONS: tf.ensure_shape(again, predictions.shape)}


def test_a_model_that_needs_this_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ServedModel", NeedsPython)
    by_server, by_probe = world.compare_in_processes(model_dir=world.export(world.trained, world.graph)).reasons()
    assert by_server.startswith(f"{BY_SERVER}Failed to start server. Error: ")
    assert by_server.endswith(" (exit status 2)")
    assert "callback" in by_server
    assert by_probe.startswith(BY_PROBE)
    assert "callback" in by_probe


def test_the_time_limit_is_for_loading_and_for_each_chunk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = world.directory / "hangs.py"
    hangs.write_text("import threading\nthreading.Event().wait()\n")
    monkeypatch.setattr(model_probe, "__file__", str(hangs))
    monkeypatch.setattr(candidate_server, "_PROGRAM", (str(hangs),))
    assert world.compare_in_processes(time_limit=0.25).reasons() == [
        f"{BY_SERVER}the model server was not ready after 0.25 s",
        f"{BY_PROBE}it did not write chunk-00000.npz within 0.5 s",
    ]


def compares(refusal: str | None, asked: dict[str, object]) -> Callable[..., SkewReport]:
    """In place of `compare`: a report of one row, and what the processes leave in the working folder."""

    def compare(*, workdir: Path, **arguments: object) -> SkewReport:
        asked.update(arguments)
        (workdir / warmup_records.FILE).write_text("requests")
        (workdir / candidate_server.LOG).write_text("Ready")
        report = SkewReport(batch_sizes=(1,))
        prediction = np.float32([[0.5]])
        exported = {f"{name}/{size}": prediction for name in ("serving_default", "serving_raw") for size in (1, FILLED)}
        batch = BatchChunk(features={}, predictions={1: prediction}, predict=lambda _: prediction)
        report.add(batch, exported, np.array([b""], object), columns=Columns.measure([batch], {}, ()))
        if refusal:
            report.refuse(refusal)
        return report

    return compare


BY_INFRA_VALIDATOR = (
    "TensorFlow Serving itself does not serve the model: InfraValidator refused it; see the log of the run"
)


@pytest.mark.parametrize(
    ("refusal", "validated", "reasons"),
    [
        (None, None, []),
        (None, 1, []),
        (None, 0, [BY_INFRA_VALIDATOR]),
        ("skew", None, ["skew"]),
        ("skew", 1, ["skew"]),
        ("skew", 0, ["skew", BY_INFRA_VALIDATOR]),
    ],
)
def test_the_verdict_and_what_is_left_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch, refusal: str | None, validated: int | None, reasons: list[str]
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(component, "compare", compares(refusal, asked))
    more = {}
    if validated is not None:
        more["infra_validation"] = artifact(standard_artifacts.InfraBlessing, world.directory / "infra")
        more["infra_validation"].set_int_custom_property("blessed", validated)
    blessing = run_component(world, **more)
    assert blessing.get_int_custom_property("blessed") == int(not reasons)
    assert files_in(blessing) == (
        ["INFRA_NOT_BLESSED", "model_server.log", "report.json"]
        if reasons
        else ["INFRA_BLESSED", "report.json", "tf_serving_warmup_requests"]
    )
    report = report_in(blessing)
    assert (report["blessed"], report["rows"], report["reasons"]) == (not reasons, 1, reasons)
    trained = asked.pop("trained")
    (weights,) = (layer.get_weights()[0] for layer in trained.layers if layer.name == "probability")
    (expected,) = (layer.get_weights()[0] for layer in world.trained.layers if layer.name == "probability")
    assert weights.tolist() == expected.tolist()
    assert asked == {
        "raw_files": [str(world.directory / "raw" / "Split-eval" / Path(world.raw).name)],
        "transformed_files": [str(world.directory / "transformed" / "Split-eval" / Path(world.transformed).name)],
        "model_dir": str(world.directory / "model" / "Format-Serving"),
        "missing": MISSING,
        "warmup_batch_sizes": [1, 8],
        "parts": {"numbers": ["fare", "miles"]},
        "time_limit": 600,
    }


def test_the_trainer_is_imported_before_the_trained_model_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.directory / "planted_trainer.py").write_text("")
    monkeypatch.syspath_prepend(str(world.directory))
    monkeypatch.setattr(component, "_load_trained", lambda path: sys.modules["planted_trainer"])
    asked: dict[str, object] = {}
    monkeypatch.setattr(component, "compare", compares(None, asked))
    run_component(world, trainer_module="planted_trainer")
    assert asked["trained"] is sys.modules["planted_trainer"]


def test_component_says_that_there_is_no_trained_model(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"the Trainer did not write trained\.keras: expected the trained model in .*run"
    ):
        component._load_trained(str(tmp_path / "run" / TRAINED_MODEL_FILE))
