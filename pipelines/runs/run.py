"""Run: everything that one run wrote.

What is heavy to load is imported where it is needed: a run's record is read without TensorFlow.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipelines import nodes
from pipelines.nodes import EVAL, TRAIN
from pipelines.runs import statistics
from pipelines.runs.errors import RunError
from pipelines.runs.quiet import quiet_imports
from pipelines.runs.recorded_run import RecordedRun
from pipelines.runs.span_statistics import read_span_statistics

if TYPE_CHECKING:
    import tensorflow_transform as tft
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    from components.stacked_features import Parts
    from pipelines.error_analysis.slice_search import SliceSearch
    from pipelines.error_analysis.worst_slices import SearchOptions
    from pipelines.evaluation.slices import Slice
    from pipelines.runs.lineage import Lineage
    from pipelines.runs.model import RunModel
    from pipelines.task_definition.task import Task

LABEL = "label"

_SCHEMA_FILE, _REPORT_FILE, _SERVING_MODEL = "schema.pbtxt", "report.json", "Format-Serving"


class Run(RecordedRun):
    """One run, as it was recorded. Where it did not get to what is asked for, RunError says so."""

    # Data.

    @functools.cached_property
    def schema(self) -> schema_pb2.Schema:
        """The contract that the run's data was held against."""
        return _schema(self.artifact(nodes.IMPORT_SCHEMA_GEN, "schema"))

    @functools.cached_property
    def proposed_schema(self) -> schema_pb2.Schema:
        """The schema that this data would suggest."""
        return _schema(self.artifact(nodes.SCHEMA_GEN, "schema"))

    def records(self, split: str) -> list[bytes]:
        """Reads the raw rows of one split as serialized tf.Examples, in a fixed order."""
        with quiet_imports():
            from pipelines.runs.examples import read_records

        return read_records(self.artifact(nodes.EXAMPLE_GEN, "examples"), split)

    def rows(self, split: str, every: int = 1) -> pd.DataFrame:
        """Reads the raw rows of one split, with the contract's columns, in the order of `records`.

        Args:
            split: which.
            every: 1 for all rows; n for the first of each n, which takes an n-th of the memory.

        Returns:
            INT is Int64 with NA where a value is missing, FLOAT is float32 with NaN, BYTES is str with None.
        """
        with quiet_imports():
            from pipelines.runs.examples import read_records, to_frame

        return to_frame(read_records(self.artifact(nodes.EXAMPLE_GEN, "examples"), split, every), self.schema)

    def transformed(self, split: str) -> pd.DataFrame:
        """Reads the rows of one split as the model sees them, with the label: int64, float32, or str.

        A column per feature: those that Transform stacked stand beside each other, by their own names. Rows are in the
        order of `rows`, whatever order an engine wrote them in.

        Raises:
            RunError: There is no such split, or its files are gone.
            PairingError: These are not the rows that Transform was given.
        """
        with quiet_imports():
            from pipelines.runs.examples import read_transformed, split_stacked, to_frame, use_numpy_integers

        records = read_transformed(
            self.artifact(nodes.EXAMPLE_GEN, "examples"), self.artifact(nodes.TRANSFORM, "transformed_examples"), split
        )
        rows = use_numpy_integers(to_frame(records, self.transform_graph.transformed_metadata.schema))
        return split_stacked(rows, self.feature_parts)

    @functools.cached_property
    def feature_parts(self) -> Parts:
        """What the columns of stacked transformed features were called in this run; empty where none was stacked."""
        from pipelines.runs.parameters import read_feature_parts

        return read_feature_parts(self._steps)

    @functools.cached_property
    def transform_graph(self) -> tft.TFTransformOutput:
        """Transform's output: feature specs, vocabularies, and the graph."""
        with quiet_imports():
            import tensorflow_transform

        return tensorflow_transform.TFTransformOutput(str(self.artifact(nodes.TRANSFORM, "transform_graph")))

    def statistics(self, split: str) -> statistics_pb2.DatasetFeatureStatisticsList:
        """Reads the statistics of the raw rows of one split."""
        return statistics.read_statistics(self.artifact(nodes.STATISTICS_GEN, "statistics"), split)

    def statistics_table(self) -> pd.DataFrame:
        """Tabulates the statistics: one row per split and feature; pipelines.runs.statistics names the columns."""
        return statistics.tabulate_statistics(self.artifact(nodes.STATISTICS_GEN, "statistics"))

    def previous_statistics(self, split: str = TRAIN) -> statistics_pb2.DatasetFeatureStatisticsList | None:
        """Reads the statistics of the data accepted before, which this run's were compared with; None without any."""
        if "statistics" not in self._outputs(nodes.ACCEPTED_STATISTICS_RESOLVER):
            return None
        return statistics.read_statistics(self.artifact(nodes.ACCEPTED_STATISTICS_RESOLVER, "statistics"), split)

    def span_statistics(self) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
        """Reads the statistics of each span that the run was trained on, by name and version, in the order of time."""
        return read_span_statistics(self._metadata, self.id)

    def anomalies(self) -> pd.DataFrame:
        """Tabulates the anomalies: columns split, feature, kind, short, description; `gates` says which counted."""
        return statistics.tabulate_anomalies(self.artifact(nodes.EXAMPLE_VALIDATOR, "anomalies"))

    # Training.

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """The nodes' parameters, such as "Trainer.settings.train_steps"; without digests of code and data."""
        from pipelines.runs.parameters import read_parameters

        return read_parameters(self._steps)

    @functools.cached_property
    def code(self) -> dict[str, str]:
        """Digests of the code, by node; 16 hex digits each."""
        from pipelines.runs.parameters import read_code_digests

        return read_code_digests(self._steps)

    @functools.cached_property
    def hyperparameters(self) -> dict[str, Any]:
        """The hyperparameters that Trainer was given; empty where the task has none."""
        from pipelines.runs.parameters import read_hyperparameters

        self.artifact(nodes.TRAINER, "model")  # Raises where the run did not train.
        return read_hyperparameters(self._steps, self._metadata)

    def history(self) -> pd.DataFrame:
        """Reads the training history, one row per epoch from 1: columns epoch, loss, val_loss, and other metrics."""
        with quiet_imports():
            from pipelines.modeling.fitting import HISTORY_FILE

        path = self.artifact(nodes.TRAINER, "model_run") / HISTORY_FILE
        if not path.is_file():
            raise RunError(
                f"no {path}: expected the history that pipelines.modeling.fitting.fit writes; train with that."
            )
        history = pd.DataFrame(json.loads(path.read_text()))
        history.insert(0, "epoch", range(1, len(history) + 1))
        return history

    # The model.

    def model(self) -> RunModel:
        """Loads the exported model, once: raw rows (DataFrame) in, a DataFrame with the column "prediction" out."""
        return self._model

    @functools.cached_property
    def _model(self) -> RunModel:
        with quiet_imports():
            from pipelines.runs.model import RunModel

        return RunModel(self.artifact(nodes.TRAINER, "model") / _SERVING_MODEL, self.feature_parts)

    def baseline_model(self) -> RunModel | None:
        """Loads the blessed model that this run's was compared with; None where there was none."""
        with quiet_imports():
            from pipelines.runs.model import RunModel

        if "model" not in self._outputs(nodes.BLESSED_MODEL_RESOLVER):
            return None
        return RunModel(self.artifact(nodes.BLESSED_MODEL_RESOLVER, "model") / _SERVING_MODEL)

    def metrics(self) -> pd.DataFrame:
        """Tabulates the new model's metrics: one row per slice, "overall" first, one column each; NaN: undefined."""
        found = self.summary["metrics"]
        if not found:
            with quiet_imports():
                from pipelines.evaluation.tfma_results import slice_metrics

            found = slice_metrics(self.artifact(nodes.EVALUATOR, "evaluation"), self.task_record.min_slice_rows)
        table = pd.DataFrame.from_dict(found, orient="index").astype("float64")
        return table.rename_axis(index="slice")

    def slices(self) -> dict[str, Slice]:
        """Returns the slices of `metrics`, by their names; pipelines.evaluation.slices.in_slice finds their rows."""
        with quiet_imports():
            from pipelines.evaluation.slices import slice_in_words
            from pipelines.evaluation.tfma_results import read_values

        shown = set(self.metrics().index)
        every = {
            slice_in_words(where): where for where, _, _ in read_values(self.artifact(nodes.EVALUATOR, "evaluation"))
        }
        return {words: where for words, where in every.items() if words in shown}

    def skew_report(self) -> dict[str, Any]:
        """SkewGate's whole report; components.skew_gate.report makes it."""
        return json.loads((self.artifact(nodes.SKEW_GATE, "blessing") / _REPORT_FILE).read_text())

    def eval_predictions(self, every: int = 1) -> pd.DataFrame:
        """Returns the raw eval rows, with the columns "label" and "prediction" (or "prediction_0", …).

        The label is what the model's own signature transform_features makes of each row.

        Args:
            every: 1 for all rows; n for the first of each n. The index is the row's position among all of them.

        Raises:
            RunError: The run has no model, or the contract has a column of one of these names.
        """
        with quiet_imports():
            from pipelines.runs.examples import decode, join_batches, read_record_chunks

        model, batches, added_to_each = self.model(), [], []
        for records in read_record_chunks(self.artifact(nodes.EXAMPLE_GEN, "examples"), EVAL, every):
            batches.append(decode(records, self.schema))
            labels = model.transformed(records)[self.task_record.label].reshape(len(records), -1)[:, 0]
            added_to_each.append(model.predict_records(records).assign(**{LABEL: labels}))
        rows, added = join_batches(batches, self.schema), pd.concat(added_to_each, ignore_index=True)
        if taken := sorted(set(rows) & set(added)):
            raise RunError(f"the contract has a column {taken[0]!r}: expected that name free; use model() and rows().")
        found = rows.join(added[[LABEL, *added.columns.drop(LABEL)]])
        return found.set_index(pd.RangeIndex(0, len(found) * every, every))

    # What its predictions rest on, and where they are wrong. docs/explanations.md says how to read them.

    def importance(self, rows: int = 2_000, permutations: int = 5) -> pd.DataFrame:
        """Measure how much the mean loss on eval rows rises when one raw column is permuted, overall and per slice.

        Columns are permuted one at a time: what two of them have in common (`associations`) counts for neither.

        Args:
            rows: drawn from the eval split, always the same ones; all where there are no more.
            permutations: of each column.

        Returns:
            One row per slice and column, "overall" first, the most important column of a slice first. Columns: slice,
            column, importance (in the loss's unit; pipelines.evaluation.row_losses says which loss), low, high (of the
            95% interval over rows), rows, loss (with no column permuted).

        Raises:
            RunError: The run has no model.
        """
        from pipelines.runs import explanations

        predicted = explanations.sample_rows(self.eval_predictions(), rows)
        problem, slices = self.task_record.problem, self.slices()
        return explanations.tabulate_importance(self.model(), predicted, problem, slices, permutations)

    def associations(self, rows: int = 2_000) -> pd.DataFrame:
        """Find raw columns that tell of one another: columns column, other, share; the strongest pair first.

        The share is the mutual information of the two, binned, over the smaller entropy; from 0.5 on a pair is named.
        """
        from pipelines.runs import explanations

        sample = explanations.sample_rows(self.rows(EVAL), rows)
        return explanations.tabulate_associations(
            sample, self.model().columns, explanations.list_categories(self.schema)
        )

    def effects(self, column: str, rows: int = 1_000, bins: int = 20) -> pd.DataFrame:
        """Measure how the prediction changes with one raw column, on average over eval rows.

        Args:
            column: which. Of numbers these are accumulated local effects, of strings and codes and of missing values
                the mean change when every row gets the value (pipelines.attribution.effects).
            rows: drawn from the eval split, always the same ones; all where there are no more.
            bins: of a number, at most; of a category, the most frequent values.

        Returns:
            One row per value and output. Columns: value (missing last), output, effect (change of the prediction from
            its mean), low, high (of the 95% interval over rows), rows (that have the value; of a number, that lie
            between the value before and this one).

        Raises:
            RunError: The run has no model, the model takes no such column, or it does not vary.
        """
        from pipelines.runs import explanations

        sample = explanations.sample_rows(self.rows(EVAL), rows)
        categories = explanations.list_categories(self.schema)
        return explanations.tabulate_effects(self.model(), sample, column, bins=bins, is_category=column in categories)

    def explain(
        self, rows: pd.DataFrame, *, background: int = 50, orders: int = 1, output: str | None = None
    ) -> pd.DataFrame:
        """Explain predictions: what each raw column adds to each row's prediction, as sampled Shapley values.

        A row's contributions add up to its prediction minus the mean prediction of the background.

        Args:
            rows: raw values, as `model` takes them; rows that never were, too.
            background: eval rows that a row is compared with, always the same ones.
            orders: sampled for each background row; more make the standard errors smaller.
            output: which column of the predictions; None for the largest of each row, such as the most likely class.

        Returns:
            Indexed by row (of `rows`' own index) and column; `["contribution"].unstack()` is a table of row × column.
            Columns: value, contribution (in the prediction's unit), error (its standard error), base (the mean
            prediction of the background), prediction, output.

        Raises:
            RunError: The run has no model, the model cannot take the rows, or it has no such output.
        """
        from pipelines.runs import explanations

        compared = explanations.sample_rows(self.rows(EVAL), background)
        return explanations.tabulate_contributions(self.model(), rows, compared, orders=orders, output=output)

    def worst_rows(self, count: int = 10) -> pd.DataFrame:
        """Return the rows of `eval_predictions` with the largest loss, the worst first, and their "loss".

        Raises:
            RunError: The run has no model, or the contract has a column "loss".
        """
        from pipelines.runs import explanations

        predicted = self.eval_predictions()
        if explanations.LOSS in predicted:
            raise RunError(
                f"the contract has a column {explanations.LOSS!r}: expected that name free; use eval_predictions()."
            )
        losses = explanations.measure_losses(self.task_record.problem, predicted)
        return predicted.assign(**{explanations.LOSS: losses}).nlargest(count, explanations.LOSS)

    def weak_slices(self, options: SearchOptions | None = None) -> SliceSearch:
        """Search for slices of eval rows in which the loss is higher than elsewhere; half of the rows confirm them.

        Args:
            options: what counts as a slice; None for the defaults.
        """
        from pipelines.runs import explanations

        predicted = self.eval_predictions()
        losses = explanations.measure_losses(self.task_record.problem, predicted)
        categories = explanations.list_categories(self.schema)
        return explanations.find_weak_slices(self.model(), predicted, losses, categories, options)

    # Where it came from.

    def lineage(self) -> Lineage:
        """Traces where this run's model came from, and where it went."""
        return self._lineage

    @functools.cached_property
    def _lineage(self) -> Lineage:
        from pipelines.runs.lineage import trace_lineage

        return trace_lineage(self._metadata, self.id)

    @functools.cached_property
    def task_record(self) -> Task:
        """The task as the code has it now.

        Raises:
            RunError: The code has no such task any more.
        """
        from pipelines.runs.parameters import find_task_package
        from pipelines.task_definition.lookup import TaskError
        from pipelines.task_definition.task import load_task

        try:
            with quiet_imports():
                return load_task(find_task_package(self._steps) or self.task)
        except TaskError as error:
            raise RunError(f"run {self.id} is of a task that the code has no longer: {error}") from error


def _schema(artifact: Path) -> schema_pb2.Schema:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    return text_format.Parse((artifact / _SCHEMA_FILE).read_text(encoding="utf-8"), schema_pb2.Schema())
