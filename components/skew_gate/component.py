"""SkewGate, a component that checks row by row that the exported model computes what the trained model computed.

It reads the raw and the transformed Examples, the exported Model, the ModelRun with the trained model, and the
contract. It writes an InfraBlessing, which Pusher requires, and `report.json` in the same artifact. For the rows of one
split, normally the eval split, it checks that

a. each feature that Transform wrote equals the output of the model's `transform_features`: whole numbers and strings
   exactly, floats within rounding;
b. the predictions of `serving_default`, of `serving_raw` on the row's plain values, and of the trained model on
   Transform's features are equal within rounding, at the same batch size and across batch sizes;
c. the exported model answers in a new process that has imported neither tensorflow_transform nor this project;
d. the embedded model server, started on the model as Pusher would push it, replays its warm-up requests, and its
   answers over REST by rows, REST by columns and gRPC equal the batch path within rounding, in batches and for some
   rows one by one; its answers over REST equal those over gRPC bit for bit.

A transformed row is paired with its raw row by its key, whatever order an engine wrote them in
(components.skew_gate.row_pairing). A row that was lost or duplicated refuses the model.

Every row is compared at the largest batch size. components.skew_gate.path_comparison says which rows are compared at
the other sizes and by the server. components.skew_gate.rounding defines rounding. The report lists it with the
operations that most likely caused it.

The latency of the single requests is reported and decides nothing. The warm-up requests of a blessed model are kept in
the artifact, for Pusher.

Skew is not an error: the artifact then says that the model is not blessed, and Pusher does not push it. The component
raises only for invalid inputs.
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
# Seconds, by default. The limit is long so that a model is not refused because the machine is busy.
TIME_LIMIT = 600.0
REPORT_FILE = "report.json"
# Names that TFX's InfraValidator writes and TFX's Pusher reads.
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
    """Bless the model, or report where it is skewed.

    Args:
        examples: raw rows.
        transformed_examples: the same rows after Transform.
        model: the exported model, with the signatures in components.signatures.
        model_run: holds the trained model as TRAINED_MODEL_FILE.
        schema: the contract, which says which value of serving_raw means that a value is missing.
        blessing: gets the verdict and the report.
        split: the split whose rows are compared.
        trainer_module: imported before the trained model is read, so that its custom layers are registered.
        warmup_batch_sizes: JSON list: numbers of rows of the requests that the model server is warmed up with.
        feature_parts: JSON object: names of the columns of each stacked feature, as in `Task.feature_parts`.
        time_limit: seconds that the exported model may take to load, and to answer one chunk of rows.
        code_digest: digest of this component's code; part of the cache key.
        infra_validation: the verdict of InfraValidator on the model, if it is part of the pipeline.

    Raises:
        ValueError: The Trainer did not write the trained model, or the transformed rows cannot be read as dense arrays.
    """
    importlib.import_module(trainer_module)
    contract = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    with (
        _make_workdir(blessing.uri) as workdir,
        # The two processes that run the exported model import neither this project nor TFX's file systems.
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
    """Run the exported model in a probe process and in a model server, and compare both with the batch path.

    Args:
        workdir: an empty folder for the probe's outputs, the server's log and the warm-up requests.
        raw_files: gzipped TFRecord files of raw tf.Examples.
        transformed_files: the same rows after Transform, in any order, with their keys.
        model_dir: the SavedModel.
        trained: the trained model, whose input is a dict of transformed features [batch, 1].
        missing: the values of serving_raw that mean that a value is missing.
        warmup_batch_sizes: numbers of rows of the warm-up requests.
        parts: the stacked features.
        batch_sizes: rows per call; 1 has to be among them.
        time_limit: seconds that loading the model may take, and answering one chunk of rows.

    Returns:
        All comparisons, and the reasons to refuse the model.

    Raises:
        ValueError: A transformed row has no key, or the type or number of values of a transformed feature differs
            between rows.
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
    """Make a local folder that other processes can read and write, and remove it at the end of the block.

    It is in the artifact's folder if that is local, so that what a killed gate leaves is deleted with the artifact.

    Args:
        uri: of the blessing.

    Yields:
        The folder.
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
            f"the Trainer did not write {os.path.basename(uri)}: expected the trained model in {os.path.dirname(uri)}; "
            "end run_fn with pipelines.modeling.export.export_model."
        )
    with local_copy(uri) as path:  # The file systems that Keras can read depend on its version.
        return keras.saving.load_model(path, compile=False)


def write_verdict(blessing: standard_artifacts.InfraBlessing, report: SkewReport, workdir: Path) -> None:
    """Write the verdict as InfraValidator does, the report, and one file of `workdir`.

    That file holds the warm-up requests of a blessed model, or the server's log of a refused one.

    Args:
        blessing: the artifact to write.
        report: the finished report.
        workdir: the folder that `compare` used.
    """
    write_text(os.path.join(blessing.uri, REPORT_FILE), json.dumps(report.as_dict(), indent=2) + "\n")
    write_text(os.path.join(blessing.uri, _BLESSED_FILE if report.blessed else _NOT_BLESSED_FILE), "")
    kept = workdir / (warmup_records.FILE if report.blessed else candidate_server.LOG)
    if kept.exists():
        fileio.copy(str(kept), os.path.join(blessing.uri, kept.name), overwrite=True)
    blessing.set_int_custom_property(_BLESSED_PROPERTY, int(report.blessed))
