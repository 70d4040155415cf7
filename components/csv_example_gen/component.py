"""ExampleGen under a contract: TFX's own component with our driver, executor and split."""

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2

from components.csv_example_gen.driver import Driver
from components.csv_example_gen.executor import Executor, split_of
from components.csv_example_gen.row_split import eval_buckets
from components.csv_example_gen.shard_writer import EVAL, TRAIN


class CheckedExampleGen(FileBasedExampleGen):
    """Reads CSV files under a contract and splits their rows.

    Its cache key holds the content of the files. Raises SourceError before anything is written for a fault in the
    files, and when they change while they are read.
    """

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, folder: str | RuntimeParameter, pattern: str, reader: example_gen_pb2.CustomConfig) -> None:
        """Wire the node.

        Args:
            folder: that holds the files; or the parameter that says so when a job begins.
            pattern: of their names; `{SPAN}` and its like as in TFX.
            reader: what `executor.column_types` gives.
        """
        evals, total = eval_buckets(split_of(reader).eval_share)
        shares = [
            example_gen_pb2.SplitConfig.Split(name=TRAIN, hash_buckets=total - evals),
            example_gen_pb2.SplitConfig.Split(name=EVAL, hash_buckets=evals),
        ]
        super().__init__(
            input_base=folder,
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="single_split", pattern=pattern)]
            ),
            # The executor goes by `reader`; this is how TFX itself records splits and shares.
            output_config=example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=shares)),
            custom_config=reader,
        )
