"""StatisticsGen: TFX's own component, which reads Examples in batches (components.example_batches)."""

from typing import Any

from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.source_digest import source_digest
from components.statistics_gen import executor

CODE_DIGEST = "code_digest"


class BatchedStatisticsGen(StatisticsGen):
    """Computes the statistics that TFX computes, of batches that depend on the files alone."""

    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)

    def __init__(self, **arguments: Any) -> None:
        """Wires the node; its code is part of its cache key.

        Args:
            arguments: of TFX's StatisticsGen.
        """
        super().__init__(**arguments)
        # TFX's spec has no parameter for it, and TFX's component makes that spec by itself.
        self.spec.exec_properties[CODE_DIGEST] = source_digest(executor)
