"""Evaluator of a task that agreed how large a gap between groups may be: a clear one above it blesses nothing."""

from typing import Any

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.evaluator.component import ColumnarEvaluator
from pipelines.fairness.executor import FAIRNESS, Executor


class FairEvaluator(ColumnarEvaluator):
    """Evaluates as ColumnarEvaluator does, and compares groups of rows besides."""

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(self, *, fairness: str, **arguments: Any) -> None:
        """Wires the node.

        Args:
            fairness: pipelines.fairness.agreed.Agreement as JSON; part of the cache key.
            arguments: of ColumnarEvaluator.
        """
        super().__init__(**arguments)
        self.spec.exec_properties[FAIRNESS] = fairness


def make_evaluator(fairness: str | None, **arguments: Any) -> ColumnarEvaluator:
    """Make the Evaluator of a task: one that compares groups where the task agreed on a gap that refuses."""
    return ColumnarEvaluator(**arguments) if fairness is None else FairEvaluator(fairness=fairness, **arguments)
