"""Measure TFX Transform with its analyzer cache over accepted spans, against one pass over all rows.

    python -m pipelines ingest --from var/data/taxi-spans
    python -m benchmarks.analyzer_cache --spans 4 16

It runs what TFX's Transform runs (`TransformProcessor`), on the taxi task, in three ways:

- joined: the train rows of all spans are one data set, without a cache, as `run --spans` does it;
- first: each span is a separate data set, and the cache is written;
- next: the same, with the cache of all spans but the newest.

It prints processor seconds, because others may use the machine, whether the vocabularies are equal, and the largest
difference of a transformed number. docs/decisions/0042-versions-of-data.md shows the figures.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from ml_metadata.metadata_store import MetadataStore
from tfx.components.transform import labels
from tfx.components.transform.executor import TransformProcessor
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.proto import example_gen_pb2

from components.accepted_spans import list_accepted_spans
from components.span_examples.component import copy_files
from components.tfrecords import read_records
from pipelines.config import ingestion_pipeline
from pipelines.engines.local import LocalEngine
from pipelines.task_definition.task import Task, load_task

_FORMAT = "tfrecords_gzip"
_SPLITS = ("train", "eval")


def main() -> None:
    """Measure and print a line for each number of spans and each way."""
    parser = argparse.ArgumentParser(description="TFX Transform with and without its analyzer cache, over spans.")
    parser.add_argument("--var", type=Path, default=Path("var"), help="the folder that spans were ingested into (var)")
    parser.add_argument("--spans", type=int, nargs="+", default=[4, 16], help="numbers of newest spans (4 16)")
    parser.add_argument("--task", default="taxi")
    options = parser.parse_args()
    task = load_task(options.task)
    store = MetadataStore(sqlite_metadata_connection_config(str((options.var / "metadata.sqlite").absolute())))
    accepted = list_accepted_spans(store, ingestion_pipeline(task.name), judged_by="")
    for count in options.spans:
        folders = [Path(span.examples.uri) for span in accepted[-count:]]
        with tempfile.TemporaryDirectory(prefix="analyzer-cache-") as scratch:
            for record in measure(task, folders, Path(scratch)):
                print(json.dumps({"spans": len(folders), **record}), flush=True)


def measure(task: Task, spans: Sequence[Path], scratch: Path) -> list[dict[str, Any]]:
    """Transform the rows of spans in each way.

    Args:
        task: its preprocessing_fn is used.
        spans: the Examples of each, in order of time.
        scratch: an empty folder.

    Returns:
        For each way its name, processor and wall-clock seconds, the megabytes of the cache, whether the vocabularies
        equal those of the first way, and the largest difference of a transformed number from the first way's.
    """
    joined = scratch / "joined"
    for split in _SPLITS:
        (joined / f"Split-{split}").mkdir(parents=True)
        copy_files([str(_only_file(span, split)) for span in spans], str(joined / f"Split-{split}"))
    ways: tuple[tuple[str, Sequence[Path], Path | None, Path | None], ...] = (
        ("joined", [joined], None, None),
        ("first", spans, None, scratch / "cache"),
        ("without the newest", spans[:-1], None, scratch / "earlier"),
        ("next", spans, scratch / "earlier", scratch / "later"),
    )
    records: list[dict[str, Any]] = []
    for way, analyzed, given, written in ways:
        out = scratch / way
        began, used = time.monotonic(), time.process_time()
        transform(task, analyzed, joined, out, given, written)
        records.append(
            {
                "way": way,
                "processor_s": round(time.process_time() - used, 1),
                "wall_s": round(time.monotonic() - began, 1),
                "cache_mb": round(sum(file.stat().st_size for file in written.rglob("*") if file.is_file()) / 1e6, 2)
                if written
                else 0.0,
                "vocabularies_equal": _read_vocabularies(out) == _read_vocabularies(scratch / "joined-out")
                if way != "joined"
                else True,
                "largest_difference": _compare(scratch / "joined-out", out) if way != "joined" else 0.0,
            }
        )
        if way == "joined":
            out.rename(scratch / "joined-out")
    return records


def transform(
    task: Task, analyzed: Sequence[Path], joined: Path, out: Path, given: Path | None, written: Path | None
) -> None:
    """Transform the joined rows with a graph made of the analyzed ones.

    Args:
        task: its preprocessing_fn is used.
        analyzed: Examples, one data set each.
        joined: Examples that are transformed.
        out: receives the transform graph, and a folder of transformed rows for each split.
        given: the cache to start from.
        written: receives the new cache.
    """

    def make_pipeline() -> beam.Pipeline:
        return beam.Pipeline(options=PipelineOptions(list(LocalEngine().beam_args())))

    patterns = [str(folder / "Split-train" / "*") for folder in analyzed]
    inputs: dict[str, Any] = {
        labels.DISABLE_STATISTICS_LABEL: True,
        labels.SCHEMA_PATH_LABEL: str(task.contract),
        labels.EXAMPLES_DATA_FORMAT_LABEL: example_gen_pb2.FORMAT_TF_EXAMPLE,
        labels.DATA_VIEW_LABEL: None,
        labels.ANALYZE_DATA_PATHS_LABEL: patterns,
        labels.ANALYZE_PATHS_FILE_FORMATS_LABEL: [_FORMAT] * len(patterns),
        labels.TRANSFORM_DATA_PATHS_LABEL: [str(joined / f"Split-{split}" / "*") for split in _SPLITS],
        labels.TRANSFORM_PATHS_FILE_FORMATS_LABEL: [_FORMAT] * len(_SPLITS),
        labels.PREPROCESSING_FN: task.preprocessing_fn,
        labels.STATS_OPTIONS_UPDATER_FN: None,
        labels.MAKE_BEAM_PIPELINE_FN: make_pipeline,
        labels.FORCE_TF_COMPAT_V1_LABEL: False,
        labels.SAVE_OPTIONS_LABEL: None,
    }
    outputs: dict[str, Any] = {
        labels.TRANSFORM_METADATA_OUTPUT_PATH_LABEL: str(out),
        labels.TRANSFORM_MATERIALIZE_OUTPUT_PATHS_LABEL: [str(out / f"Split-{split}" / "rows") for split in _SPLITS],
        labels.TEMP_OUTPUT_LABEL: str(out / ".temp"),
    }
    inputs |= {labels.CACHE_INPUT_PATH_LABEL: str(given)} if given else {}
    outputs |= {labels.CACHE_OUTPUT_PATH_LABEL: str(written)} if written else {}
    TransformProcessor().Transform(inputs, outputs, "")


def _only_file(span: Path, split: str) -> Path:
    (file,) = (span / f"Split-{split}").glob("*.gz")
    return file


def _read_vocabularies(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in out.glob("transform_fn/assets/*")}


def _compare(one: Path, other: Path) -> float:
    """Return the largest difference of a number in the transformed rows, row by row."""
    largest = 0.0
    for split in _SPLITS:
        rows = [read_records(sorted(map(str, (folder / f"Split-{split}").glob("rows*")))) for folder in (one, other)]
        for left, right in zip(*rows, strict=True):
            here, there = (tf.train.Example.FromString(record).features.feature for record in (left, right))
            for name in here:
                before, after = (
                    np.array([*each[name].float_list.value, *each[name].int64_list.value]) for each in (here, there)
                )
                largest = max(largest, float(np.max(np.abs(before - after), initial=0.0)))
    return largest


if __name__ == "__main__":
    main()
