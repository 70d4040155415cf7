"""Evaluator: TFX's own component with an executor that works by batches, and a cache key that notices its code."""

from typing import Any

from tfx.components.evaluator.component import Evaluator
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.evaluator.executor import Executor

CODE_DIGEST = "code_digest"


class ColumnarEvaluator(Evaluator):
    """Computes metrics of a model per slice, compares it with the blessed one, and blesses it or not.

    Inputs, outputs and their formats are those of TFX's Evaluator.
    """

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(self, *, code_digest: str, **arguments: Any) -> None:
        """Wires the node.

        Args:
            code_digest: of the code behind this node, part of its cache key.
            arguments: of TFX's Evaluator.
        """
        super().__init__(**arguments)
        # TFX's spec has no parameter for it, and TFX's component makes that spec by itself.
        self.spec.exec_properties[CODE_DIGEST] = code_digest
