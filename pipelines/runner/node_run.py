"""Run one node with TFX's launcher: driver and publisher in this process, the executor here or in a fork.

Only this process writes to ML Metadata, while several executors can run at the same time.
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
    """One execution of one node.

    Attributes:
        name: the node's id.
        fork: the fork that runs the executor; None if the executor runs in this process, or does not run.
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
        """Run the driver, and start the executor if it has to run.

        Args:
            forks: whether to run the executor in a fork; False: run it in this process, until it ends.

        Returns:
            The result, if the node has ended. None: `fork` is running, and `finish` returns the result.
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
        except Exception as error:  # The error of a node is its result; the caller shows it, and the log has it.
            return self._fail(error)

    def finish(self) -> NodeResult:
        """Wait for the fork, and publish what the executor wrote.

        Returns:
            The result of the node.

        Raises:
            KeyboardInterrupt: The fork was stopped by a signal.
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
    """TFX's launcher, split into steps: its `launch` waits for the executor.

    It starts no gRPC server for the executor's reports: a process that has one must not be forked, and no executor
    reports.
    """

    def prepare(self) -> bool:
        """Run the driver, or the whole node if it has no executor; return whether the executor has to run."""
        if self._system_node_handler:
            self.info = self.launch()
            return False
        prepared = self._prepare_execution()
        self.info, self._contexts = prepared.execution_info, prepared.contexts
        return bool(prepared.is_execution_needed)

    def execute(self) -> bytes:
        """Run the executor, and return its serialized ExecutorOutput."""
        # Beam shuffles with Python's generator, for example the files of a source.
        random.seed(_SEED)
        return self._run_executor(self.info).SerializeToString()

    def publish(self, execute: Callable[[], bytes]) -> None:
        """Publish what the executor wrote, or that it failed.

        Args:
            execute: returns what the method `execute` returned, or raises what it raised.
        """
        identity = self.info.execution_id
        try:
            output = execution_result_pb2.ExecutorOutput.FromString(execute())
        except Exception:
            # An executor that raised has removed its folders already; one that died has not.
            with contextlib.suppress(fileio.NotFoundError):
                outputs_utils.remove_output_dirs(self.info.output_dict)
            self._publish_failed_execution(identity, self._contexts)
            raise
        finally:
            self._clean_up_stateless_execution_info(self.info)
        self._clean_up_stateful_execution_info(self.info)
        self._publish_successful_execution(identity, self._contexts, self.info.output_dict, output)
