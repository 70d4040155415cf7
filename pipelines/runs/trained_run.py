"""Read the model of a run: its parameters, predictions and metrics."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipelines import nodes
from pipelines.nodes import EVAL
from pipelines.runs.errors import RunError
from pipelines.runs.quiet import quiet_imports
from pipelines.runs.run_data import RunData

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipelines.evaluation.slices import Slice
    from pipelines.runs.model import RunModel
    from pipelines.runs.predicted_rows import PredictedRows
    from pipelines.task_definition.task import Task

LABEL = "label"

_REPORT_FILE, _SERVING_MODEL = "report.json", "Format-Serving"


class TrainedRun(RunData):
    """The model of one run. A method raises RunError if the run ended before it wrote what the method reads."""

    @functools.cached_property
    def task_record(self) -> Task:
        """The task, as it is in the code now.

        Raises:
            RunError: The code no longer has the task.
        """
        from pipelines.runs.parameters import find_task_package
        from pipelines.task_definition.lookup import TaskError
        from pipelines.task_definition.task import load_task

        try:
            with quiet_imports():
                return load_task(find_task_package(self._steps) or self.task)
        except TaskError as error:
            raise RunError(f"run {self.id} is of a task that the code no longer has: {error}") from error

    # Training.

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """The nodes' parameters, such as "Trainer.custom_config.settings.train_steps", without digests of code."""
        from pipelines.runs.parameters import read_parameters

        return read_parameters(self._steps)

    @functools.cached_property
    def code(self) -> dict[str, str]:
        """The digests of the code by node, 16 hex digits each."""
        from pipelines.runs.parameters import read_code_digests

        return read_code_digests(self._steps)

    @functools.cached_property
    def hyperparameters(self) -> dict[str, Any]:
        """The hyperparameters that Trainer read; empty if the task has none."""
        from pipelines.runs.parameters import read_hyperparameters

        self.artifact(nodes.TRAINER, "model")  # Raises RunError if the run did not train.
        return read_hyperparameters(self._steps, self._metadata)

    def history(self) -> pd.DataFrame:
        """Read the training history, one row per epoch from 1: columns epoch, loss, val_loss, and other metrics."""
        with quiet_imports():
            from pipelines.modeling.fitting import HISTORY_FILE

        path = self.artifact(nodes.TRAINER, "model_run") / HISTORY_FILE
        if not path.is_file():
            raise RunError(
                f"no {path}: expected the history that pipelines.modeling.fitting.fit writes; use fit in run_fn."
            )
        history = pd.DataFrame(json.loads(path.read_text()))
        history.insert(0, "epoch", range(1, len(history) + 1))
        return history

    # The model.

    def model(self) -> RunModel:
        """Load the exported model, once. It takes raw rows and returns a DataFrame with the column "prediction"."""
        return self._model

    @functools.cached_property
    def _model(self) -> RunModel:
        with quiet_imports():
            from pipelines.runs.model import RunModel

        return RunModel(self.artifact(nodes.TRAINER, "model") / _SERVING_MODEL, self.feature_parts)

    def baseline_model(self) -> RunModel | None:
        """Load the model pushed before, which this run's was compared with; None if there was none."""
        with quiet_imports():
            from pipelines.runs.model import RunModel

        if "model" not in self._outputs(nodes.BLESSED_MODEL_RESOLVER):
            return None
        return RunModel(self.artifact(nodes.BLESSED_MODEL_RESOLVER, "model") / _SERVING_MODEL)

    def metrics(self) -> pd.DataFrame:
        """Tabulate the new model's metrics: a row for each slice, "overall" first; a column for each metric, or NaN."""
        found = self.summary["metrics"]
        if not found:
            with quiet_imports():
                from pipelines.evaluation.tfma_results import slice_metrics

            found = slice_metrics(self.artifact(nodes.EVALUATOR, "evaluation"), self.task_record.min_slice_rows)
        table = pd.DataFrame.from_dict(found, orient="index").astype("float64")
        return table.rename_axis(index="slice")

    def slices(self) -> dict[str, Slice]:
        """Return the slices of `metrics`, by their names; pipelines.evaluation.slices.in_slice finds their rows."""
        with quiet_imports():
            from pipelines.evaluation.slices import slice_in_words
            from pipelines.evaluation.tfma_results import read_values

        shown = set(self.metrics().index)
        every = {
            slice_in_words(where): where for where, _, _ in read_values(self.artifact(nodes.EVALUATOR, "evaluation"))
        }
        return {words: where for words, where in every.items() if words in shown}

    def skew_report(self) -> dict[str, Any]:
        """Return SkewGate's report; components.skew_gate.report defines it."""
        return json.loads((self.artifact(nodes.SKEW_GATE, "blessing") / _REPORT_FILE).read_text())

    def eval_predictions(self, every: int = 1) -> pd.DataFrame:
        """Return the raw eval rows, with the columns "label" and "prediction" (or "prediction_0", …).

        The label is computed by the model's signature transform_features.

        Args:
            every: 1 for all rows; n for the first of each n. The index is the row's position among all rows.

        Raises:
            RunError: The run has no model, or the contract has a column of one of these names.
        """
        predicted = self.predict_eval_rows(every=every)
        added = predicted.predictions
        if taken := sorted(set(predicted.rows) & {LABEL, *added}):
            raise RunError(f"the contract has a column {taken[0]!r}: expected no such column; use model() and rows().")
        found = predicted.rows.assign(**{LABEL: predicted.labels}).join(added)
        return found.set_index(pd.RangeIndex(0, len(found) * every, every))

    def predict_eval_rows(self, columns: Collection[str] | None = None, every: int = 1) -> PredictedRows:
        """Return labels and predictions of the eval rows with some of their raw columns, to save memory.

        Args:
            columns: the raw columns; None: all.
            every: 1 for all rows; n for the first of each n.

        Raises:
            RunError: The run has no model.
        """
        with quiet_imports():
            from pipelines.runs.predicted_rows import predict_rows

        chunks = self.record_chunks(EVAL, every)
        return predict_rows(self.model(), chunks, self.schema, self.task_record.label, columns)
