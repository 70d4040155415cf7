"""TFX's Evaluator with an executor that computes metrics by batch, and with a digest of its code in the cache key."""

from typing import Any

from tfx.components.evaluator.component import Evaluator
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.evaluator.executor import Executor

CODE_DIGEST = "code_digest"


class ColumnarEvaluator(Evaluator):
    """TFX's Evaluator: computes metrics of a model per slice, compares it with the baseline, and blesses it or not.

    Inputs, outputs and their formats are those of TFX's Evaluator.
    """

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(self, *, code_digest: str, **arguments: Any) -> None:
        """Create the node.

        Args:
            code_digest: digest of the code that the node runs; part of its cache key.
            arguments: of TFX's Evaluator.
        """
        super().__init__(**arguments)
        # TFX's component makes its own spec, which has no parameter for the digest.
        self.spec.exec_properties[CODE_DIGEST] = code_digest
