"""SkewGate proves, row by row, that the exported model sees what the trained model saw.

Reads the raw and the transformed Examples, the exported Model, the ModelRun with the trained model, and the contract.
Writes an InfraBlessing, which Pusher demands, with `report.json` beside it. On the rows of the eval split:

a. each feature that Transform wrote equals what the model's `transform_features` gives: whole numbers and strings
   exactly, floats but for rounding;
b. the predictions of `serving_default`, of `serving_raw` fed with the row's plain values, and of the trained model on
   Transform's features are equal but for rounding, at the same batch size and across batch sizes;
c. the exported model answers in a fresh process that has imported neither tensorflow_transform nor this project;
d. the embedded model server, started on the model as Pusher would push it, replays its warm-up requests and answers
   over REST by rows, REST by columns and gRPC, in batches and for some rows one by one, what the batch path gives, but
   for rounding; and over REST it answers, bit for bit, what it answers over gRPC.

A transformed row is paired with its raw row by its key, whatever order an engine wrote either in
(components.skew_gate.row_pairing); a row that was lost or doubled refuses the model.

Every row is compared at the largest batch size; components.skew_gate.path_comparison says which rows at the others and
by the server. components.skew_gate.rounding says what rounding is. It is reported, with the operations that it is
likely from.

The latency of the single rows is reported and decides nothing. The warm-up requests that were replayed are left beside
the verdict, for Pusher.

Skew is a verdict, not a crash: the blessing says no and Pusher does not push. Raises only for invalid inputs.
"""

import contextlib
import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
from tfx.components.util import model_utils
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import io_utils, path_utils

from components.artifact_files import (
    is_local,
    list_split_files,
    local_copies,
    local_copy,
    write_text,
)
from components.artifacts import INFRA_BLESSING_MODEL_URI
from components.candidate_serving import candidate_server, warmup_records
from components.missing_rule import MissingRule
from components.row_keys import PairingError
from components.signatures import TRAINED_MODEL_FILE
from components.skew_gate.batch_path import BatchPath
from components.skew_gate.path_comparison import PathComparison
from components.skew_gate.probe_process import Probe, ProbeError
from components.skew_gate.report import SkewReport
from components.skew_gate.row_pairing import pair_rows
from components.skew_gate.served_candidate import ServedCandidate
from components.stacked_features import Parts

BATCH_SIZES = (1, 7, 64, 512)
# Seconds, unless the caller says otherwise; long, since a model that answers is never to be refused for a busy machine.
TIME_LIMIT = 600.0
REPORT_FILE = "report.json"
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
    feature_parts: Parameter[str],
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
        feature_parts: JSON object: names of the columns of each stacked feature, as `Task.feature_parts`.
        time_limit: seconds that the exported model may take to load, or for as many rows as are compared together.
        code_digest: digest of this component's code; part of the cache key.
        infra_validation: what InfraValidator says of the model, where it is part of the pipeline.
    """
    importlib.import_module(trainer_module)
    contract = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    with (
        _make_workdir(blessing.uri) as workdir,
        # The two processes that run the exported model know nothing of the project, nor of its file systems.
        local_copies(list_split_files(examples, split)) as raw_files,
        local_copy(path_utils.serving_model_path(model.uri)) as model_dir,
    ):
        report = compare(
            workdir=workdir,
            raw_files=list(map(str, raw_files)),
            transformed_files=list_split_files(transformed_examples, split),
            model_dir=str(model_dir),
            trained=_load_trained(os.path.join(model_run.uri, TRAINED_MODEL_FILE)),
            missing=MissingRule.from_schema(contract),
            warmup_batch_sizes=json.loads(warmup_batch_sizes),
            parts=json.loads(feature_parts),
            time_limit=time_limit,
        )
        if infra_validation is not None and not model_utils.is_infra_validated(infra_validation):
            report.refuse(
                "TensorFlow Serving itself does not serve the model: InfraValidator refused it; see the log of the run"
            )
        blessing.set_string_custom_property(INFRA_BLESSING_MODEL_URI, model.uri)
        write_verdict(blessing, report, workdir)


def compare(
    *,
    workdir: Path,
    raw_files: list[str],
    transformed_files: list[str],
    model_dir: str,
    trained: keras.Model,
    missing: MissingRule,
    warmup_batch_sizes: Sequence[int] = (1,),
    parts: Parts | None = None,
    batch_sizes: tuple[int, ...] = BATCH_SIZES,
    time_limit: float = TIME_LIMIT,
) -> SkewReport:
    """Runs the exported model in its two processes, and compares it with the batch path.

    Args:
        workdir: an empty folder, where the probe's outputs, the server's log and the warm-up requests are left.
        raw_files: gzipped TFRecord files of raw tf.Examples.
        transformed_files: the same rows after Transform, in any order, with their keys.
        model_dir: the SavedModel.
        trained: takes a dict of transformed features [batch, 1].
        missing: how serving_raw spells a missing value.
        warmup_batch_sizes: rows of the warm-up requests.
        parts: the stacked features.
        batch_sizes: rows a call; 1 is among them.
        time_limit: seconds that loading the model, or answering a chunk of rows, may take.
    """
    report = SkewReport(batch_sizes=batch_sizes, parts=parts)
    with (
        Probe(workdir, raw_files, model_dir, missing, batch_sizes, time_limit) as probe,
        ServedCandidate(workdir, raw_files, model_dir, missing, warmup_batch_sizes, time_limit) as candidate,
    ):
        try:
            batch_path = pair_rows(raw_files, BatchPath(transformed_files, trained, batch_sizes), workdir)
        except PairingError as error:
            report.refuse(str(error))
            return report
        comparison = PathComparison(report, raw_files, batch_path, probe, candidate, model_dir)
        try:
            comparison.run()
            for name in probe.finish():
                report.refuse(f"loading the exported model also loads {name}, which the model server does not have")
        except ProbeError as error:
            comparison.ask_server_alone()
            report.refuse(f"the exported model does not answer in a fresh process: {error}")
    return report


@contextlib.contextmanager
def _make_workdir(uri: str) -> Iterator[Path]:
    """Makes a folder of this machine, where other processes read and write, until the block ends.

    Below the artifact where that is local: a killed gate leaves nothing elsewhere, and what it leaves here goes with
    the artifact.
    """
    if not is_local(uri):
        with tempfile.TemporaryDirectory(prefix="skew-gate-") as folder:
            yield Path(folder)
        return
    workdir = Path(uri) / "probe"
    workdir.mkdir(parents=True)
    yield workdir
    shutil.rmtree(workdir)


def _load_trained(uri: str) -> keras.Model:
    if not fileio.exists(uri):
        raise ValueError(
            f"the Trainer left no {os.path.basename(uri)}: expected the trained model in {os.path.dirname(uri)}; "
            "end run_fn with pipelines.modeling.export.export_model."
        )
    with local_copy(uri) as path:  # Which file systems Keras reads itself changes with its version.
        return keras.saving.load_model(path, compile=False)


def write_verdict(blessing: standard_artifacts.InfraBlessing, report: SkewReport, workdir: Path) -> None:
    """Writes the blessing or refusal as InfraValidator does, the report, and what is kept of `workdir`.

    Kept are the warm-up requests of a blessed model, and the server's log for a refused one.
    """
    write_text(os.path.join(blessing.uri, REPORT_FILE), json.dumps(report.as_dict(), indent=2) + "\n")
    write_text(os.path.join(blessing.uri, _BLESSED_FILE if report.blessed else _NOT_BLESSED_FILE), "")
    left = workdir / (warmup_records.FILE if report.blessed else candidate_server.LOG)
    if left.exists():
        fileio.copy(str(left), os.path.join(blessing.uri, left.name), overwrite=True)
    blessing.set_int_custom_property(_BLESSED_PROPERTY, int(report.blessed))
