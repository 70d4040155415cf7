"""SkewGate proves, row by row, that the exported model sees what the trained model saw.

Reads the raw and the transformed Examples, the exported Model, the ModelRun with the trained model, and the contract.
Writes an InfraBlessing, which Pusher demands, with `report.json` beside it. On every row of the eval split:

a. each feature that Transform materialised equals, bit for bit, what the model's `transform_features` gives;
b. the predictions of `serving_default`, of `serving_raw` fed with the row's plain values, and of the trained model on
   the materialised features are equal, bit for bit at the same batch size and within TOLERANCE across batch sizes;
c. the exported model answers in a fresh process that has imported neither tensorflow_transform nor this project;
d. the embedded model server, started on the model as Pusher would push it, replays its warm-up requests and answers
   over REST by rows, REST by columns and gRPC, in batches and for a sample of rows one by one, within TOLERANCE of the
   batch path; and over REST it answers, bit for bit, what it answers over gRPC.

How long the single rows took is reported, and decides nothing. The warm-up requests that were replayed are left beside
the verdict, for Pusher.

Skew is a verdict, not a crash: the blessing says no and Pusher does not push. Nothing is raised but for broken inputs.
"""

import importlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, path_utils

from components.artifacts import INFRA_BLESSING_MODEL_ID
from components.candidate_serving import candidate_server, warmup_records
from components.candidate_serving.candidate_server import ModelServerError
from components.candidate_serving.transports import Answers
from components.missing_rule import MissingRule
from components.signatures import TRAINED_MODEL_FILE
from components.skew_gate import model_probe, probe_process
from components.skew_gate.bitwise import Arrays
from components.skew_gate.report import SkewReport
from components.skew_gate.served_candidate import ServedCandidate
from components.tfrecords import read_chunks

BATCH_SIZES = (1, 7, 64, 512)
# Largest difference across batch sizes and over the wire; relative beyond 1 (docs/decisions/0008-tolerance.md).
TOLERANCE = 1e-6
# Seconds, unless the caller says otherwise; long, since a model that answers is never to be refused for a busy machine.
TIME_LIMIT = 600.0
REPORT_FILE = "report.json"
_DTYPES = {"float_list": np.float32, "int64_list": np.int64, "bytes_list": object}
# What TFX's own InfraValidator writes, and its Pusher looks for.
_BLESSED_FILE, _NOT_BLESSED_FILE, _BLESSED_PROPERTY = "INFRA_BLESSED", "INFRA_NOT_BLESSED", "blessed"


@component
def SkewGate(
    examples: InputArtifact[standard_artifacts.Examples],
    transformed_examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    schema: InputArtifact[standard_artifacts.Schema],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
    split: Parameter[str],
    trainer_module: Parameter[str],
    warmup_batch_sizes: Parameter[str],
    time_limit: Parameter[int],
    code_digest: Parameter[str],
    infra_validation: InputArtifact[standard_artifacts.InfraBlessing] = None,
) -> None:
    """Blesses the model, or says where it is skewed.

    Args:
        examples: raw rows.
        transformed_examples: the same rows after Transform.
        model: exported, with the signatures in components.signatures.
        model_run: holds the trained model as TRAINED_MODEL_FILE.
        schema: the contract, which says how serving_raw spells a missing value.
        blessing: where verdict and report go.
        split: which rows.
        trainer_module: imported before the trained model is read, so that its custom layers are registered.
        warmup_batch_sizes: JSON list: rows of the requests that the model server is warmed up with.
        time_limit: seconds that the exported model may take to load, or for as many rows as are compared together.
        code_digest: digest of this component's code; part of the cache key.
        infra_validation: what InfraValidator says of the model, where it is part of the pipeline.
    """
    importlib.import_module(trainer_module)
    contract = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    # Below the artifact: a killed gate leaves nothing elsewhere, and what it leaves here goes with the artifact.
    workdir = Path(blessing.uri) / "probe"
    workdir.mkdir(parents=True)
    report = compare(
        workdir=workdir,
        raw_files=_files(examples, split),
        transformed_files=_files(transformed_examples, split),
        model_dir=path_utils.serving_model_path(model.uri),
        trained=_trained(Path(model_run.uri) / TRAINED_MODEL_FILE),
        missing=MissingRule.from_schema(contract),
        warmup_batch_sizes=json.loads(warmup_batch_sizes),
        time_limit=time_limit,
    )
    if infra_validation is not None and not model_utils.is_infra_validated(infra_validation):
        report.refuse(
            "TensorFlow Serving itself does not serve the model: InfraValidator refused it; see the log of the run"
        )
    blessing.set_int_custom_property(INFRA_BLESSING_MODEL_ID, model.id)
    _bless(blessing, report, workdir)
    shutil.rmtree(workdir)


def compare(
    *,
    workdir: Path,
    raw_files: list[str],
    transformed_files: list[str],
    model_dir: str,
    trained: keras.Model,
    missing: MissingRule,
    warmup_batch_sizes: Sequence[int] = (1,),
    batch_sizes: tuple[int, ...] = BATCH_SIZES,
    time_limit: float = TIME_LIMIT,
) -> SkewReport:
    """Compares the batch path with the exported model on every row.

    Args:
        workdir: an empty folder, where the probe's answers, the server's log and the warm-up requests are left.
        raw_files: gzipped TFRecord files of raw tf.Examples.
        transformed_files: the same rows after Transform, in the same order.
        model_dir: the SavedModel.
        trained: takes a dict of transformed features [batch, 1].
        missing: how serving_raw spells a missing value.
        warmup_batch_sizes: rows of the warm-up requests.
        batch_sizes: rows a call; 1 is among them.
        time_limit: seconds that loading the model, or answering a chunk of rows, may take.
    """
    report = SkewReport(batch_sizes=batch_sizes, tolerance=TOLERANCE)
    with (
        probe_process.started(workdir, raw_files, model_dir, missing, batch_sizes) as probe,
        ServedCandidate(workdir, raw_files, model_dir, missing, warmup_batch_sizes) as served_candidate,
    ):
        batch_path = _batch_path(transformed_files, trained, batch_sizes)
        rows = sum(len(next(iter(features.values()))) for features, _ in batch_path)
        answers: Sequence[Answers | None]
        try:
            answers = served_candidate.answers(rows, max(batch_sizes), time_limit)
        except ModelServerError as error:
            report.refuse(f"the model server does not serve the exported model: {error}")
            answers = [None] * len(batch_path)
        done = probe_process.outcome(probe, workdir, time_limit * (1 + len(batch_path)))
    if "error" in done:
        report.refuse(f"the exported model does not answer in a fresh process: {done['error']}")
        return report
    for name in done["forbidden_modules"]:
        report.refuse(f"loading the exported model also loads {name}, which the model server does not have")
    if rows != done["rows"]:
        report.refuse(f"rows do not pair: {done['rows']} raw, {rows} transformed")
        return report
    chunks = zip(batch_path, probe_process.answers(workdir), read_chunks(raw_files), answers, strict=True)
    for (features, predictions), served, raw, answered in chunks:
        report.add(features, predictions, served, raw, answered)
    return report


def materialised(serialized: np.ndarray) -> dict[str, np.ndarray]:
    """Transformed tf.Examples as arrays [rows, n] of float32, int64 or bytes, by feature name.

    Raises:
        ValueError: A feature has not the same type and number of values in every row.
    """
    columns: dict[str, list[tuple[str, tuple[object, ...]]]] = {}
    for record in serialized:
        for name, feature in tf.train.Example.FromString(record).features.feature.items():
            kind = feature.WhichOneof("kind") or "no list"
            columns.setdefault(name, []).append((kind, model_probe.values_of(feature)))
    result = {}
    for name, cells in columns.items():
        shapes = sorted({(kind, len(values)) for kind, values in cells})
        dtype = _DTYPES.get(shapes[0][0])
        if len(shapes) != 1 or len(cells) != len(serialized) or dtype is None:
            raise ValueError(
                f"transformed feature {name} is not dense: expected one type and number of values in each of "
                f"{len(serialized)} rows, received {shapes} in {len(cells)} rows; densify it in preprocessing_fn."
            )
        result[name] = np.array([values for _, values in cells], dtype=dtype)
    return result


def _files(artifact: standard_artifacts.Examples, split: str) -> list[str]:
    files = sorted(str(path) for path in Path(artifact_utils.get_split_uri([artifact], split)).glob("*.gz"))
    if not files:
        raise ValueError(f"no Examples of split {split!r} in {artifact.uri}: expected *.gz files, received none")
    return files


def _trained(path: Path) -> keras.Model:
    if not path.is_file():
        raise ValueError(
            f"the Trainer left no {path.name}: expected the trained model in {path.parent}; "
            "end run_fn with pipelines.modeling.export.export_model."
        )
    return keras.saving.load_model(path, compile=False)


def _batched(trained: keras.Model) -> Callable[[model_probe.Nest, int], model_probe.Nest]:
    inputs = [tensor.name for tensor in trained.inputs]
    output = tf.TensorSpec(trained.output_shape, trained.outputs[0].dtype)
    return model_probe.in_batches(
        lambda features: {"predictions": trained({name: features[name] for name in inputs}, training=False)},
        {"predictions": output},
    )


def _batch_path(
    transformed_files: list[str], trained: keras.Model, batch_sizes: tuple[int, ...]
) -> list[tuple[Arrays, dict[int, np.ndarray]]]:
    """Chunk by chunk of rows: the materialised features, and the trained model's predictions by batch size."""
    predict = _batched(trained)
    found = []
    for serialized in read_chunks(transformed_files):
        features = materialised(serialized)
        found.append((features, {size: _predictions(predict, features, size) for size in batch_sizes}))
    return found


def _predictions(
    predict: Callable[[model_probe.Nest, int], model_probe.Nest], features: dict[str, np.ndarray], size: int
) -> np.ndarray:
    with tf.device("CPU:0"):  # where the probe runs too
        return predict({name: tf.constant(value) for name, value in features.items()}, size)["predictions"].numpy()


def _bless(blessing: standard_artifacts.InfraBlessing, report: SkewReport, workdir: Path) -> None:
    root = Path(blessing.uri)
    (root / REPORT_FILE).write_text(json.dumps(report.as_dict(), indent=2) + "\n")
    (root / (_BLESSED_FILE if report.blessed else _NOT_BLESSED_FILE)).write_text("")
    left = workdir / (warmup_records.FILE if report.blessed else candidate_server.LOG)
    if left.exists():
        left.rename(root / left.name)
    blessing.set_int_custom_property(_BLESSED_PROPERTY, int(report.blessed))
