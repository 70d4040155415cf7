"""Define the Evaluator of a task with agreed limits on gaps between groups: a clear gap above them is no blessing."""

from typing import Any

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.evaluator.component import ColumnarEvaluator
from pipelines.fairness.executor import FAIRNESS, Executor


class FairEvaluator(ColumnarEvaluator):
    """A ColumnarEvaluator that also compares groups of rows."""

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(self, *, fairness: str, **arguments: Any) -> None:
        """Create the node.

        Args:
            fairness: A pipelines.fairness.agreed.Agreement as JSON; part of the cache key.
            **arguments: Arguments of ColumnarEvaluator.
        """
        super().__init__(**arguments)
        self.spec.exec_properties[FAIRNESS] = fairness


def make_evaluator(fairness: str | None, **arguments: Any) -> ColumnarEvaluator:
    """Return the Evaluator of a task, which compares groups if the task agreed on a largest gap."""
    return ColumnarEvaluator(**arguments) if fairness is None else FairEvaluator(fairness=fairness, **arguments)
