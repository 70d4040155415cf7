"""Define Run, which reads everything that one run wrote.

Large libraries are imported where they are needed, so that a run's record is read without TensorFlow.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pandas as pd

from pipelines.nodes import EVAL
from pipelines.runs.errors import RunError
from pipelines.runs.trained_run import TrainedRun

if TYPE_CHECKING:
    from pipelines.error_analysis.slice_search import SliceSearch
    from pipelines.error_analysis.worst_slices import SearchOptions
    from pipelines.runs.lineage import Lineage


class Run(TrainedRun):
    """One run. A method raises RunError if the run ended before it wrote what the method reads."""

    # Explanations and errors of predictions. docs/explanation/explanations.md says how to read them.

    def importance(self, rows: int = 2_000, permutations: int = 5) -> pd.DataFrame:
        """Measure how much the mean loss on eval rows rises when one raw column is permuted, overall and per slice.

        Columns are permuted one at a time: information that two of them share (`associations`) counts for neither.

        Args:
            rows: number of rows drawn from the eval split, always the same ones; all if it has no more.
            permutations: number of permutations of each column.

        Returns:
            One row per slice and column, "overall" first, the most important column of a slice first. Columns: slice,
            column, importance (in the loss's unit; pipelines.evaluation.row_losses defines the loss), low, high (of the
            95% interval over rows), rows, loss (with no column permuted).

        Raises:
            RunError: The run has no model.
        """
        from pipelines.runs import explanations

        predicted = explanations.sample_rows(self.eval_predictions(), rows)
        problem, slices = self.task_record.problem, self.slices()
        return explanations.tabulate_importance(self.model(), predicted, problem, slices, permutations)

    def associations(self, rows: int = 2_000) -> pd.DataFrame:
        """Find pairs of raw columns that share information.

        Args:
            rows: number of rows drawn from the eval split, always the same ones; all if it has no more.

        Returns:
            One row per pair whose share is 0.5 or more, the largest first. Columns: column, other, share (the mutual
            information of the two binned columns, divided by the smaller entropy).
        """
        from pipelines.runs import explanations

        sample = explanations.sample_rows(self.rows(EVAL), rows)
        return explanations.tabulate_associations(
            sample, self.model().columns, explanations.list_categories(self.schema)
        )

    def effects(self, column: str, rows: int = 1_000, bins: int = 20) -> pd.DataFrame:
        """Measure how the prediction changes with one raw column, on average over eval rows.

        Args:
            column: the raw column. For a number the effects are accumulated local effects; for a category, and for
                missing values, the mean change when every row gets the value (pipelines.attribution.effects).
            rows: number of rows drawn from the eval split, always the same ones; all if it has no more.
            bins: of a number, at most; of a category, the most frequent values; of dates in text, evenly spaced
                quantiles in the order of time.

        Returns:
            One row per value and output. Columns: value (missing last), output, effect (change of the prediction from
            its mean), low, high (of the 95% interval over rows), rows (with the value; for a number, above the value
            before and up to this one).

        Raises:
            RunError: The run has no model, the model takes no such column, or it does not vary.
        """
        from pipelines.runs import explanations

        sample = explanations.sample_rows(self.rows(EVAL), rows)
        categories = explanations.list_categories(self.schema)
        return explanations.tabulate_effects(
            self.model(),
            sample,
            column,
            bins=bins,
            is_category=column in categories,
            written=explanations.list_date_formats(self.schema).get(column, ""),
        )

    def explain(
        self, rows: pd.DataFrame, *, background: int = 50, orders: int = 1, output: str | None = None
    ) -> pd.DataFrame:
        """Explain predictions by sampled Shapley values: what each raw column adds to each row's prediction.

        A row's contributions add up to its prediction minus the mean prediction of the background.

        Args:
            rows: raw values, as `model` takes them; they need not be rows of the run.
            background: number of eval rows that a row is compared with, always the same ones.
            orders: orders of columns sampled for each background row; more make the standard errors smaller.
            output: a column of the predictions; None for the largest of each row, such as the most likely class.

        Returns:
            Indexed by row (the index of `rows`) and column; `["contribution"].unstack()` is a table of row × column.
            Columns: value, contribution (in the prediction's unit), error (its standard error), base (the mean
            prediction of the background), prediction, output.

        Raises:
            RunError: The run has no model, the model cannot take the rows, or it has no such output.
        """
        from pipelines.runs import explanations

        compared = explanations.sample_rows(self.rows(EVAL), background)
        return explanations.tabulate_contributions(self.model(), rows, compared, orders=orders, output=output)

    def worst_rows(self, count: int = 10) -> pd.DataFrame:
        """Return the rows of `eval_predictions` with the largest loss, the largest first, and a column "loss".

        Args:
            count: number of rows.

        Raises:
            RunError: The run has no model, or the contract has a column "loss".
        """
        from pipelines.runs import explanations

        predicted = self.eval_predictions()
        if explanations.LOSS in predicted:
            raise RunError(
                f"the contract has a column {explanations.LOSS!r}: expected no such column; use eval_predictions()."
            )
        losses = explanations.measure_losses(self.task_record.problem, predicted)
        return predicted.assign(**{explanations.LOSS: losses}).nlargest(count, explanations.LOSS)

    def weak_slices(self, options: SearchOptions | None = None) -> SliceSearch:
        """Search for slices in which the loss is higher than elsewhere, in half of the eval rows; confirm in the other.

        Args:
            options: limits of the search; None for the defaults.

        Returns:
            The slices that were found.
        """
        from pipelines.runs import explanations

        predicted = self.eval_predictions()
        losses = explanations.measure_losses(self.task_record.problem, predicted)
        categories = explanations.list_categories(self.schema)
        return explanations.find_weak_slices(self.model(), predicted, losses, categories, options)

    # Lineage.

    def lineage(self) -> Lineage:
        """Trace what this run's model was made of, and its pushed versions."""
        return self._lineage

    @functools.cached_property
    def _lineage(self) -> Lineage:
        from pipelines.runs.lineage import trace_lineage

        return trace_lineage(self._metadata, self.id)
