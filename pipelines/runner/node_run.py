"""Runs one node with TFX's launcher: driver and publisher in this process, the executor here or in a fork.

So ML Metadata has one writer, and several executors can run at the same time.
"""

import contextlib
import datetime
import random
import time
from collections.abc import Callable

from absl import logging
from ml_metadata.metadata_store import MetadataStore
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, outputs_utils
from tfx.proto.orchestration import execution_result_pb2, pipeline_pb2

from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.node_outputs import check_integrity, is_resolver, read_outputs, read_state
from pipelines.runner.node_process import Fork
from pipelines.runner.results import FAILED, RAN, NodeResult, OutputArtifact

_SEED = 0


class NodeRun:
    """One node, run once.

    Attributes:
        name: the node's id.
        fork: where the executor runs; None if it runs in this process, or need not run.
    """

    def __init__(self, compiled: pipeline_pb2.Pipeline, node: pipeline_pb2.PipelineNode, ledger: ArtifactDigests):
        self.name: str = node.node_info.id
        self.fork: Fork[bytes] | None = None
        self._node, self._ledger = node, ledger
        self._deployment = runner_utils.extract_local_deployment_config(compiled)
        connection = self._deployment.metadata_connection_config
        self._connection = getattr(connection, connection.WhichOneof("connection_config"))
        self._compiled = compiled

    def start(self, *, forks: bool) -> NodeResult | None:
        """Run the driver and begins with the executor.

        Args:
            forks: whether the executor runs in a fork, beside the caller.

        Returns:
            The result, if there is one already. Otherwise `fork` is running, and `finish` has it.
        """
        self._started, self._began = datetime.datetime.now(datetime.UTC), time.monotonic()
        try:
            self._launcher = self._make_launcher()
            if self._launcher.prepare():
                if forks:
                    self.fork = Fork(self._launcher.execute)
                    self.fork.start()
                    return None
                self._launcher.publish(self._launcher.execute)
            return self._succeed()
        except Exception as error:  # Whatever a node raises is its result; the caller shows it and the log has it.
            return self._fail(error)

    def finish(self) -> NodeResult:
        """Wait for the fork, and publishes what the executor wrote.

        Raises:
            KeyboardInterrupt: Somebody stopped the fork.
        """
        assert self.fork is not None
        try:
            self._launcher.publish(self.fork.result)
            return self._succeed()
        except Exception as error:  # As in `start`.
            return self._fail(error)

    def _make_launcher(self) -> "_SteppedLauncher":
        return _SteppedLauncher(
            pipeline_node=self._node,
            mlmd_connection=metadata.Metadata(self._connection),
            pipeline_info=self._compiled.pipeline_info,
            pipeline_runtime_spec=self._compiled.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, self.name),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, self.name),
        )

    def _succeed(self) -> NodeResult:
        store = MetadataStore(self._connection)
        (execution,) = store.get_executions_by_id([self._launcher.info.execution_id])
        outputs = read_outputs(store, execution.id)
        state = read_state(self._node, execution)
        check_integrity(store, self._ledger, outputs, fresh=state == RAN and not is_resolver(self._node))
        return self._result(state, outputs=outputs)

    def _fail(self, error: Exception) -> NodeResult:
        logging.error("Node %s failed.", self.name, exc_info=error)
        return self._result(FAILED, error=error)

    def _result(
        self, state: str, *, outputs: tuple[OutputArtifact, ...] = (), error: Exception | None = None
    ) -> NodeResult:
        return NodeResult(
            node=self.name,
            state=state,
            seconds=time.monotonic() - self._began,
            started=self._started,
            outputs=outputs,
            error=error,
        )


class _SteppedLauncher(launcher.Launcher):
    """TFX's launcher in steps: `launch` would wait for the executor.

    It also starts no gRPC server for the executor to report to: a process that has one is not to be forked, and no
    executor reports.
    """

    def prepare(self) -> bool:
        """Run the driver, or the whole node if it has no executor, and tells whether the executor has to run."""
        if self._system_node_handler:
            self.info = self.launch()
            return False
        prepared = self._prepare_execution()
        self.info, self._contexts = prepared.execution_info, prepared.contexts
        return bool(prepared.is_execution_needed)

    def execute(self) -> bytes:
        """Run the executor, and returns its ExecutorOutput, serialized."""
        # Beam shuffles, such as the files of a source, with Python's own generator.
        random.seed(_SEED)
        return self._run_executor(self.info).SerializeToString()

    def publish(self, execute: Callable[[], bytes]) -> None:
        """Publish what the executor wrote, or that it failed.

        Args:
            execute: gives what `execute` returned, or raises what it raised.
        """
        identity = self.info.execution_id
        try:
            output = execution_result_pb2.ExecutorOutput.FromString(execute())
        except Exception:
            with contextlib.suppress(
                fileio.NotFoundError
            ):  # An executor that raised has removed them; not one that died.
                outputs_utils.remove_output_dirs(self.info.output_dict)
            self._publish_failed_execution(identity, self._contexts)
            raise
        finally:
            self._clean_up_stateless_execution_info(self.info)
        self._clean_up_stateful_execution_info(self.info)
        self._publish_successful_execution(identity, self._contexts, self.info.output_dict, output)
