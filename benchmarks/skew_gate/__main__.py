"""Measure SkewGate: which ordinary features and models it refuses, and which planted skews it misses.

    python -m benchmarks.skew_gate --out var/bench

Made-up rows go through Transform, the exported models answer in this process, and the whole gate runs once, with its
two processes. It prints a table of each, and writes them to `<out>/skew_gate.json`. It takes some minutes.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
from rich.console import Console
from rich.table import Table

from benchmarks.skew_gate import models, preprocessing, served_skews, skews
from benchmarks.skew_gate.matrix import Finding, compare_features, compare_model, planted_features
from benchmarks.skew_gate.paths import MISSING, export_model, predict, raw_rows, transform, write_rows
from benchmarks.skew_gate.rows import ROWS, make_rows
from components.signatures import TRANSFORM_FEATURES
from components.skew_gate import component
from components.skew_gate.batch_path import BatchChunk, BatchPath
from components.skew_gate.bitwise import Arrays
from components.skew_gate.columns import Operations
from components.skew_gate.component import BATCH_SIZES
from components.skew_gate.graph_operations import rounding_operations

Tables = dict[str, list[Finding]]


def main() -> int:
    """Run the benchmark; return 0, or 1 if the gate was wrong about a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help="rows, at most 8192")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), metavar="DIR", help="folder for skew_gate.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = measure(Path(folder), options.rows)
    for title, findings in tables.items():
        Console().print(_table(title, findings))
    options.out.mkdir(parents=True, exist_ok=True)
    document = {title: [dataclasses.asdict(finding) for finding in findings] for title, findings in tables.items()}
    (options.out / "skew_gate.json").write_text(json.dumps(document, indent=2) + "\n")
    return int(any(one.refused != (title in PLANTED) for title, findings in tables.items() for one in findings))


ORDINARY_FEATURES, ORDINARY_MODELS, WHOLE_GATE = "ordinary preprocessing", "ordinary models", "the whole gate"
PLANTED = ("skews planted in preprocessing", "skews planted in models", "skews planted in what is served")
# The skews are planted in this model's predictions, for rows that other layouts round differently, or that lie at an
# edge.
SERVED_MODEL = "wide and deep"


def measure(folder: Path, rows: int) -> Tables:
    """Make all paths and compare them."""
    raw = write_rows(folder / "raw.gz", make_rows(rows))
    honest = folder / "honest"
    honest.mkdir()
    graph, transformed = transform(honest, raw, preprocessing.preprocessing_fn)
    trained = models.build()
    model_dir = export_model(honest, graph, trained)
    trained = keras.saving.load_model(honest / "run" / "trained.keras")
    batch = _batch_path(transformed, trained)
    exported = predict(model_dir, raw)
    return {
        ORDINARY_FEATURES: list(_features(batch, exported, raw, model_dir)),
        ORDINARY_MODELS: list(_models(batch, exported, raw, model_dir)),
        PLANTED[0]: list(_planted_features(folder / "planted", batch.features, raw)),
        PLANTED[1]: list(_planted_models(trained, transformed, exported, raw, model_dir)),
        PLANTED[2]: list(_planted_served(batch, exported, raw, model_dir)),
        WHOLE_GATE: [_whole_gate(folder / "gate", raw, transformed, model_dir, trained)],
    }


def _features(batch: BatchChunk, exported: Arrays, raw: str, model_dir: str) -> Iterator[Finding]:
    report = compare_features(batch.features, exported, raw_rows(raw), _operations(model_dir))
    yield from map(Finding.of_feature, report.comparisons("feature "))


def _models(batch: BatchChunk, exported: Arrays, raw: str, model_dir: str) -> Iterator[Finding]:
    operations = _operations(model_dir)
    for column, name in enumerate(models.MODELS):
        report = compare_model(column, batch, exported, raw_rows(raw), operations)
        yield Finding.of_comparisons(name, report.comparisons("serving_"))


def _planted_features(folder: Path, honest: Arrays, raw: str) -> Iterator[Finding]:
    folder.mkdir()
    graph, _ = transform(folder, raw, skews.planted_fn)
    score = keras.Input((1,), name="z_score")
    model_dir = export_model(folder, graph, keras.Model({"z_score": score}, keras.layers.Dense(1)(score)))
    exported = predict(model_dir, raw)
    report = compare_features(planted_features(honest), exported, raw_rows(raw), _operations(model_dir))
    yield from (Finding.of_feature(one) for one in report.comparisons("feature ") if one.name[8:] in skews.SKEWS)


def _planted_models(
    trained: keras.Model, transformed: str, exported: Arrays, raw: str, model_dir: str
) -> Iterator[Finding]:
    operations = _operations(model_dir)
    for name, (model, change) in models.SKEWS.items():
        other = keras.models.clone_model(trained)
        other.set_weights(trained.get_weights())
        change(other)
        batch = _batch_path(transformed, other)
        column = list(models.MODELS).index(model)
        report = compare_model(column, batch, exported, raw_rows(raw), operations)
        yield Finding.of_comparisons(name, report.comparisons("serving_"))


def _planted_served(batch: BatchChunk, exported: Arrays, raw: str, model_dir: str) -> Iterator[Finding]:
    operations = _operations(model_dir)
    column = list(models.MODELS).index(SERVED_MODEL)
    inputs = [*models.NUMBERS, *models.CATEGORIES]
    predictions = {key: values[:, [column]] for key, values in exported.items() if key.startswith("serving_")}
    own = predictions | {key: values for key, values in exported.items() if key.split("/")[-1] in inputs}
    one = dataclasses.replace(
        batch,
        features={name: batch.features[name] for name in inputs},
        predictions={size: values[:, [column]] for size, values in batch.predictions.items()},
        predict=lambda features: batch.predict(features)[:, [column]],
    )
    for (change, function), rows in zip(
        served_skews.CHANGES.items(), served_skews.unsteady_rows(one, own), strict=True
    ):
        for name, sides, served in served_skews.plant(function, rows, own, served_skews.serve(own, rows)):
            report = compare_model(0, one, sides, raw_rows(raw), operations, served)
            found = [c for c in report.comparisons(name) if " against " not in c.name]
            yield Finding.of_comparisons(f"{name}: {change}", found)


def _whole_gate(folder: Path, raw: str, transformed: str, model_dir: str, trained: keras.Model) -> Finding:
    folder.mkdir()
    report = component.compare(
        workdir=folder,
        raw_files=[raw],
        transformed_files=[transformed],
        model_dir=model_dir,
        trained=trained,
        missing=MISSING,
    )
    return Finding.of_comparisons("all features and models, over the wire too", report.comparisons(""))


def _batch_path(transformed: str, trained: keras.Model) -> BatchChunk:
    path = BatchPath([transformed], trained, BATCH_SIZES)
    (chunk,) = path.chunks()
    return path.at_all_sizes(chunk)


def _operations(model_dir: str) -> Operations:
    return rounding_operations(model_dir, TRANSFORM_FEATURES)


def _table(title: str, findings: list[Finding]) -> Table:
    refused = sum(finding.refused for finding in findings)
    table = Table(title=f"{title}: {refused} of {len(findings)} refused", title_justify="left")
    for heading in ("case", "verdict", "rows that differ", "largest, steps", "at an edge", "why, or what rounds"):
        table.add_column(heading, justify="left" if heading[0] in "cvw" else "right")
    for one in findings:
        verdict = "refused" if one.refused else "passed"
        numbers = (f"{one.rows:,}", f"{one.steps:.1f}", f"{one.at_edge:,}")
        table.add_row(one.case, verdict, *numbers, one.reason)
    return table


if __name__ == "__main__":
    sys.exit(main())
