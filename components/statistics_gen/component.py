"""StatisticsGen: TFX's own component, which reads Examples in batches (components.example_batches)."""

from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.statistics_gen.executor import Executor


class BatchedStatisticsGen(StatisticsGen):
    """Computes the statistics that TFX computes, of batches that depend on the files alone."""

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
