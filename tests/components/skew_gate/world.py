"""Everything that SkewGate reads, as an honest run leaves it, and the comparison of it in this process."""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from components.candidate_serving.transports import TransportPredictions
from components.missing_rule import MissingRule
from components.skew_gate import component, model_probe
from components.skew_gate.batch_path import BatchChunk, compute_batch_path
from components.skew_gate.component import BATCH_SIZES, compare_paths
from components.skew_gate.probe_process import ProbeResult, missing_values
from components.skew_gate.report import SkewReport
from components.tfrecords import read_chunks
from pipelines.modeling import export
from tests import handmade

ROWS = len(handmade.ROWS)
MISSING = MissingRule.from_schema(handmade.CONTRACT)


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """The files and models of one run; tests change one thing of a copy."""

    directory: Path
    raw: str
    transformed: str
    graph: str
    trained: keras.Model
    model_dir: str
    batch_path: list[BatchChunk]  # of `transformed` and `trained`
    exported: ProbeResult  # of `raw` and `model_dir`

    def compare(
        self,
        *,
        model_dir: str | None = None,
        batch_path: list[BatchChunk] | None = None,
        served: Sequence[TransportPredictions] | None = None,
    ) -> SkewReport:
        """Compares as SkewGate does, with the exported model in this process and no model server of its own."""
        report = SkewReport(batch_sizes=BATCH_SIZES)
        exported = predict_here(model_dir, [self.raw]) if model_dir else self.exported
        compare_paths(
            report,
            [self.raw],
            self.batch_path if batch_path is None else batch_path,
            exported,
            served,
            model_dir or self.model_dir,
        )
        return report

    def compare_in_processes(self, **changed: object) -> SkewReport:
        """Compares with the probe and the model server in their processes; `changed` replaces arguments."""
        workdir = self.directory / "probe"
        workdir.mkdir()
        arguments = {
            "raw_files": [self.raw],
            "transformed_files": [self.transformed],
            "model_dir": self.model_dir,
            "trained": self.trained,
        }
        return component.compare(workdir=workdir, missing=MISSING, **arguments | changed)

    def export(self, model: keras.Model, graph: str) -> str:
        """Exports a model behind a transform graph, and returns its folder."""
        args = handmade.fn_args(self.directory, graph)
        export.export_model(model, args)
        return args.serving_model_dir

    def copy_model(self) -> Path:
        """Copies the exported model, to be tampered with."""
        return Path(shutil.copytree(self.model_dir, self.directory / "tampered"))


def predict_here(
    model_dir: str, raw_files: list[str], missing: Mapping[str, object] = missing_values(MISSING)
) -> ProbeResult:
    """Runs the exported model in this process."""
    raw = list(read_chunks(raw_files))
    with tf.device("CPU:0"):  # where the probe runs
        predict = model_probe.load_predictor(model_dir, missing=missing, batch_sizes=BATCH_SIZES)
        return ProbeResult(rows=sum(map(len, raw)), chunks=[predict(serialized) for serialized in raw])


def batch_path_of(transformed: str, trained: keras.Model) -> list[BatchChunk]:
    return compute_batch_path([transformed], trained, BATCH_SIZES)


def differing(report: SkewReport) -> set[str]:
    """Names of features that differ, and of signatures and transports, without their batch sizes."""
    comparisons = report.as_dict()["comparisons"]
    return {c["name"].removeprefix("feature ").partition(",")[0] for c in comparisons if c["differences"]}


def reason(report: SkewReport, name: str) -> str:
    """The one reason about `name`."""
    (found,) = [reason for reason in report.reasons() if reason.startswith(f"{name}: ")]
    return found
