"""Predict the rows of CSV and Parquet files in a Beam pipeline; both the component and the command call this.

Rows are read as ExampleGen reads them, and checked against the contract in the SavedModel. Parts are written to a
hidden folder next to the output. A call that finds parts of the same job there continues with the remaining ones; it
removes parts of other jobs. The output is written when all parts are complete (`assembly`); if an error is raised, it
is not written.
"""

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from components.batch_predictor import shard_predictor
from components.batch_predictor.assembly import check_place, put_in_place, refused_path
from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.job import PredictionJob
from components.batch_predictor.part_files import PartCounts, PartFiles
from components.batch_predictor.row_check import RowCheck
from components.batch_predictor.shard_predictor import PredictShards
from components.batch_predictor.shards import plan_shards
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.file_parts import SHARD_BYTES
from components.source_digest import source_digest
from serving.file_lock import FileLockedError, exclusive


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictedFiles:
    """The result of a prediction of files."""

    counts: PartCounts  # of all rows
    resumed: int  # number of parts that an earlier call completed
    parts: int  # number of all parts
    absent: tuple[str, ...]  # features without a column in the files
    refused: Path | None  # the file of refused rows; None if there are none


def parts_folder(out: Path) -> Path:
    """Return the folder of the parts of an output."""
    return out.with_name(f".{out.name}.parts")


def predict_files(
    job: PredictionJob, out: Path, beam_args: Sequence[str], *, shard_bytes: int = SHARD_BYTES
) -> PredictedFiles:
    """Predict the rows of files.

    Args:
        job: the job.
        out: path of the output: a file that ends in `.parquet` or `.csv`, or a folder.
        beam_args: Beam's options, such as LocalEngine().beam_args() returns.
        shard_bytes: bytes of text that a worker predicts at a time.

    Returns:
        The result.

    Raises:
        BatchPredictionError: The job or `out` cannot be used, the files or the model changed meanwhile, or another
            process is writing the same output.
        ContractError: The model's contract cannot be used.
        SignatureError: The model lacks a signature that this project exports.
        SourceError: A file cannot be read.
    """
    check_place(out, job.files)
    header = job.header()
    check = RowCheck.of_model(job.model, header, job.files[0])
    parts = PartFiles(parts_folder(out))
    parts.folder.mkdir(parents=True, exist_ok=True)
    try:
        with exclusive(parts.folder / ".lock", f"process {os.getpid()}"):
            predicted = _predict(job, header, parts, out, beam_args, shard_bytes)
            shutil.rmtree(parts.folder)
    except FileLockedError as error:
        raise BatchPredictionError(
            f"{out}: another prediction ({error.holder or 'unknown process'}) is writing this output: wait for it, "
            "stop it, or name another output."
        ) from error
    return dataclasses.replace(predicted, absent=check.absent)


def _predict(
    job: PredictionJob, header: list[str], parts: PartFiles, out: Path, beam_args: Sequence[str], shard_bytes: int
) -> PredictedFiles:
    made_by = f"{source_digest(shard_predictor)}, {shard_bytes} bytes"
    identity = job.identity(made_by)
    shards = plan_shards(job.files, shard_bytes)
    if not shards:
        raise BatchPredictionError(f"{job.files[0]}: a header and no rows. Expected at least one row to predict.")
    open_shards = parts.begin(identity, len(shards))
    if open_shards:
        with beam.Pipeline(options=PipelineOptions(list(beam_args))) as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create([(number, shards[number]) for number in open_shards], reshuffle=False)
                | "Predictions" >> PredictShards(job, header, parts)
            )
    if job.header() != header or job.identity(made_by) != identity:
        parts.forget_job()
        raise BatchPredictionError(
            f"{job.files[0]}: the files, or the model, changed while they were read. No output was written. Wait until "
            "they are complete, and predict again."
        )
    if (fault := parts.first_fault()) is not None:
        raise SourceError(fault)
    counts = PartCounts()
    for shard in range(len(shards)):
        counts.add(parts.counts(shard))
    put_in_place(parts, len(shards), out)
    return PredictedFiles(
        counts=counts,
        resumed=len(shards) - len(open_shards),
        parts=len(shards),
        absent=(),
        refused=refused_path(out) if counts.refused else None,
    )
