"""Everything that SkewGate reads, as an honest run leaves it, and the comparison of it in this process."""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components.missing_rule import MissingRule
from components.skew_gate import component, model_probe
from components.skew_gate.batch_path import BatchPath
from components.skew_gate.bitwise import Arrays
from components.skew_gate.component import BATCH_SIZES
from components.skew_gate.path_comparison import PathComparison, ServedModel
from components.skew_gate.probe_process import missing_values
from components.skew_gate.report import SkewReport
from components.tfrecords import read_chunks
from pipelines.modeling import export
from tests import handmade

ROWS = len(handmade.ROWS)
MISSING = MissingRule.from_schema(handmade.CONTRACT)


class ExportedHere:
    """The exported model in this process, in place of components.skew_gate.probe_process.Probe."""

    def __init__(self, model_dir: str, raw_files: list[str], missing: Mapping[str, object] = missing_values(MISSING)):
        self.asked: list[int] = []  # rows of each question
        self._predict = model_probe.load_predictor(model_dir, missing=missing)
        self._raw_files = raw_files
        self._answers: list[Arrays] = []

    def read_chunk(self, index: int) -> Arrays:
        with tf.device("CPU:0"):  # where the probe runs
            return self._predict(list(read_chunks(self._raw_files))[index], [max(BATCH_SIZES)])

    def ask(self, serialized: np.ndarray) -> int:
        with tf.device("CPU:0"):
            self._answers.append(self._predict(serialized, BATCH_SIZES[:-1], filled=max(BATCH_SIZES)))
        self.asked.append(len(serialized))
        return len(self._answers) - 1

    def read_answer(self, index: int, rows: int) -> Arrays:
        assert self.asked[index] == rows
        return self._answers[index]


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """The files and models of one run; tests change one thing of a copy."""

    directory: Path
    raw: str
    transformed: str
    graph: str
    trained: keras.Model
    model_dir: str
    batch_path: BatchPath  # of `transformed` and `trained`
    exported: ExportedHere  # of `raw` and `model_dir`

    def compare(
        self,
        *,
        model_dir: str | None = None,
        batch_path: BatchPath | None = None,
        exported: ExportedHere | None = None,
        served: ServedModel | None = None,
    ) -> SkewReport:
        """Compares as SkewGate does, with the exported model in this process and no model server of its own."""
        report = SkewReport(batch_sizes=BATCH_SIZES)
        if exported is None:
            exported = ExportedHere(model_dir, [self.raw]) if model_dir else self.exported
        model_dir, batch_path = model_dir or self.model_dir, batch_path or self.batch_path
        PathComparison(report, [self.raw], batch_path, exported, served, model_dir).run()
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


def batch_path_of(transformed: str | list[str], trained: keras.Model) -> BatchPath:
    return BatchPath([transformed] if isinstance(transformed, str) else transformed, trained, BATCH_SIZES)


def differing(report: SkewReport) -> set[str]:
    """Names of features that differ, and of signatures and transports, without their batch sizes."""
    comparisons = report.as_dict()["comparisons"]
    return {c["name"].removeprefix("feature ").partition(",")[0] for c in comparisons if c["differences"]}


def reason(report: SkewReport, name: str) -> str:
    """The one reason about `name`."""
    (found,) = [reason for reason in report.reasons() if reason.startswith(f"{name}: ")]
    return found
