"""Define TFX's StatisticsGen with an executor that reads Examples in batches (components.example_batches)."""

from typing import Any

from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.source_digest import source_digest
from components.statistics_gen import executor

CODE_DIGEST = "code_digest"


class BatchedStatisticsGen(StatisticsGen):
    """TFX's StatisticsGen, except that it reads batches that depend only on the files."""

    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)

    def __init__(self, **arguments: Any) -> None:
        """Wire the node and add the digest of its code to its cache key.

        Args:
            arguments: those of TFX's StatisticsGen.
        """
        super().__init__(**arguments)
        # TFX's component makes its spec itself, and that spec has no parameter for the digest.
        self.spec.exec_properties[CODE_DIGEST] = source_digest(executor)
