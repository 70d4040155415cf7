"""Define TFX's file-based ExampleGen with our driver, executor and split, which follow the contract."""

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2

from components.csv_example_gen.driver import Driver
from components.csv_example_gen.executor import Executor, split_of
from components.csv_example_gen.row_split import eval_buckets
from components.csv_example_gen.shard_writer import EVAL, TRAIN


class CheckedExampleGen(FileBasedExampleGen):
    """Reads CSV or Parquet files as the contract says and splits their rows.

    Its cache key depends on the contents of the files. It fails with SourceError before anything is written if a file
    has a fault, and at the end if a file changed while it was read.
    """

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, folder: str | RuntimeParameter, pattern: str, reader: example_gen_pb2.CustomConfig) -> None:
        """Wire the node.

        Args:
            folder: the folder of the files, or a runtime parameter with it.
            pattern: glob pattern of the files' names, with `{SPAN}` and the like as in TFX.
            reader: result of `executor.column_types`.
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
            # The executor uses `reader`; this records splits and shares as TFX itself does.
            output_config=example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=shares)),
            custom_config=reader,
        )
