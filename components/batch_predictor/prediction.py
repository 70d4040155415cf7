"""Predicts files: checked, in a Beam pipeline, and put in place as a whole. The component and the command run this.

Reads:  CSV and Parquet files, as ExampleGen reads them; a SavedModel with its contract.
Writes: see `assembly`; until then parts, in a hidden folder beside the output. A call that finds parts of the very same
        job there goes on after them; it removes those of any other.
Raises: BatchPredictionError and SourceError, with nothing in the output's place.
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
    """What a prediction of files left."""

    counts: PartCounts  # over all rows
    resumed: int  # parts that an earlier call had finished
    parts: int
    absent: tuple[str, ...]  # features that the files have no column for
    refused: Path | None  # the file of refused rows; None where there is none


def parts_folder(out: Path) -> Path:
    """Say where the parts of an output lie until it is whole."""
    return out.with_name(f".{out.name}.parts")


def predict_files(
    job: PredictionJob, out: Path, beam_args: Sequence[str], *, shard_bytes: int = SHARD_BYTES
) -> PredictedFiles:
    """Predict the rows of files.

    Args:
        job: what is asked.
        out: a file that ends in `.parquet` or `.csv`, or a folder.
        beam_args: how Beam runs, such as LocalEngine().beam_args() gives.
        shard_bytes: of text that a worker predicts at a time.

    Raises:
        BatchPredictionError: The job cannot be done as it is asked for, the files changed meanwhile, or another call
            makes the same output.
        ContractError, SignatureError: The model is none of this project.
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
            f"{out}: another prediction ({error.holder or 'unknown'}) is making this output: wait for it, stop it, or "
            "name another."
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
        parts.disown()
        raise BatchPredictionError(
            f"{job.files[0]}: the files, or the model, changed while they were read. Nothing was kept. Wait until they "
            "are complete, and predict again."
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
