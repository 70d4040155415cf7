"""Run one node of a run in this process, with the checks and records that `run` adds to each node."""

import dataclasses
import datetime

from absl import logging
from rich.console import Console

from pipelines.metadata_database import find_mysql
from pipelines.nodes import PUSHER, TRANSFORM
from pipelines.orchestration.begun import (
    BegunRun,
    RunMismatchError,
    check_nodes,
    digest_nodes,
    pin_options,
    read_begun,
)
from pipelines.orchestration.node_records import NodeRecords, Vocabularies
from pipelines.orchestration.options import NodeOptions, as_arguments
from pipelines.runner import node_summary
from pipelines.runner.integrity import ArtifactDigests, IntegrityError
from pipelines.runner.metadata_cleanup import (
    clear_interrupted_executions,
    clear_interrupted_node,
    invalidate_displaced_pushes,
    open_metadata_store,
)
from pipelines.runner.node_outputs import (
    check_integrity,
    find_ended_well,
    is_resolver,
    list_executions,
    read_outputs,
    read_result,
)
from pipelines.runner.node_run import NodeRun
from pipelines.runner.outcome import read_results, record_outcome
from pipelines.runner.preparation import clear_leftovers, compile_run, list_pushed_versions, prepare_run
from pipelines.runner.results import CACHED, FAILED, RAN, NodeResult
from pipelines.runner.summary import Summary
from pipelines.runner.vocabulary_coverage import measure_vocabularies
from pipelines.task_check.preprocessing import check_preprocessing
from pipelines.task_definition.task import load_task
from serving import file_lock

_ENDED_WELL = (RAN, CACHED)


class SingleNode:
    """One node of a run. The caller locks the folder, or the node if several nodes may run at the same time.

    Attributes:
        summary: of the run, with the nodes that have ended.
    """

    def __init__(self, options: NodeOptions, console: Console):
        """Resolve the options, compile the pipeline, and begin the run if no other process has.

        Args:
            options: with a run id and a node.
            console: the terminal.

        Raises:
            RunMismatchError: The run was begun with other options or code, it has no such node, a node before this one
                has not ended well, or another run has pushed a version since it began.
            Exception: The options or the task cannot be used; see `prepare_run`.
        """
        assert options.run_id is not None
        assert options.node is not None
        logging.set_verbosity(logging.INFO)
        self._directory = options.var / "runs" / options.run_id
        self._records = NodeRecords(self._directory)
        self.summary = Summary(run_id=options.run_id, task=options.task, data="", started="")
        with file_lock.waiting(self._directory / ".lock"):  # several nodes may start together: one begins the run
            begun = read_begun(self._directory)
            self._config = prepare_run(pin_options(options, begun), load_task(options.task), console, self.summary)
            self._compiled = compile_run(self._config, options.run_id)
            nodes = {node.pipeline_node.node_info.id: node.pipeline_node for node in self._compiled.nodes}
            if options.node not in nodes:
                raise RunMismatchError(f"node: expected one of {', '.join(nodes)}, received {options.node!r}")
            self._node = nodes[options.node]
            self._begun = begun or self._begin(options, console)
        check_nodes(options.run_id, self._begun, digest_nodes(self._compiled))
        self.summary.nodes, self.summary.vocabularies = self._records.read(self._begun.nodes)
        self._check_turn()
        if options.node == PUSHER:
            self._check_compared()

    def run(self) -> NodeResult:
        """Run the node, unless it has ended well in this run already, and record its result.

        Returns:
            The result, also of a node that failed.

        Raises:
            KeyboardInterrupt: The node was interrupted; what it had begun to write was removed.
        """
        name = self._node.node_info.id
        self._clear()
        result = self._find_ended() or self._run()
        result = dataclasses.replace(
            result, summary=result.summary or node_summary.summarise_node(result, self.summary.results)
        )
        self.summary.nodes = [one for one in self.summary.nodes if one.node != name] + [result]
        self.summary.nodes.sort(key=lambda one: list(self._begun.nodes).index(one.node))
        result = self._record(result)
        read_results(self.summary, self._config)
        if name == PUSHER:
            record_outcome(self.summary, self._config, set(self._begun.pushed_before))
        return result

    def _begin(self, options: NodeOptions, console: Console) -> BegunRun:
        config, summary = self._config, self.summary
        if find_mysql(config.metadata) is None:
            clear_leftovers(config, console)
        else:  # other runs may be running: leave what they write
            invalidate_displaced_pushes(config.metadata, config.artifacts)
        check_preprocessing(config.task)
        begun = BegunRun(
            started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            arguments=as_arguments(options),
            spans=f"{config.spans.spans[0]}..{config.spans.spans[-1]}" if config.spans else None,
            nodes=digest_nodes(self._compiled),
            pushed_before=tuple(sorted(list_pushed_versions(config))),
            data=summary.data,
            source_digest=summary.source_digest,
            task_files=summary.task_files,
            unread_files=tuple(summary.unread_files),
        )
        begun.write(self._directory)
        return begun

    def _check_turn(self) -> None:
        """Check that the nodes which this one reads from have ended well."""
        states = {result.node: result.state for result in self.summary.nodes}
        waits = [before for before in self._node.upstream_nodes if states.get(before) not in _ENDED_WELL]
        if waits:
            raise RunMismatchError(
                f"{self._node.node_info.id} comes after {', '.join(waits)}: expected them to have ended well in run "
                f"{self.summary.run_id}, received {', '.join(states.get(before, 'not run') for before in waits)}; "
                "run them first"
            )

    def _check_compared(self) -> None:
        """Check that no other run has pushed since this one began: BetterGate has not compared with that version."""
        others = list_pushed_versions(self._config) - set(self._begun.pushed_before)
        store = open_metadata_store(self._config.metadata)
        # If Pusher was started in this run before, and killed, the new version may be its own.
        if others and not list_executions(store, self._config.task.name, self.summary.run_id, PUSHER):
            raise RunMismatchError(
                f"run {self.summary.run_id}: expected the versions that were in place when it began, received "
                f"{', '.join(map(str, sorted(others)))} as well, with which nothing was compared; begin a new run: "
                "everything except the comparison comes from the cache"
            )

    def _find_ended(self) -> NodeResult | None:
        """Return the result of an earlier process that ended well, also if it was killed before it recorded that."""
        name = self._node.node_info.id
        store = open_metadata_store(self._config.metadata)
        execution = find_ended_well(list_executions(store, self._config.task.name, self.summary.run_id, name))
        if execution is None:
            return None
        recorded = self.summary.results.get(name)
        try:
            outputs = read_outputs(store, execution.id)
            if not is_resolver(self._node):
                check_integrity(store, ArtifactDigests(self._config.artifacts), outputs, fresh=False)
        except IntegrityError:
            logging.exception("The outputs of %s have changed since it wrote them; it runs again.", name)
            return None
        if recorded is not None and recorded.state in _ENDED_WELL:
            return recorded
        return read_result(self._node, execution, outputs)

    def _run(self) -> NodeResult:
        self._records.remove(self._node.node_info.id)
        try:
            with self._config.engine.session():
                result = NodeRun(self._compiled, self._node, ArtifactDigests(self._config.artifacts)).start(forks=False)
        except KeyboardInterrupt:
            self._clear()
            raise
        assert result is not None, "without forks, start returns a result"
        return result

    def _clear(self) -> None:
        """Remove what killed processes left: of this node only if others may run at the same time, else of any node."""
        database, artifacts = self._config.metadata, self._config.var / "artifacts"
        if find_mysql(database) is None:
            clear_interrupted_executions(database, artifacts)
        else:
            name, run_id = self._node.node_info.id, self.summary.run_id
            clear_interrupted_node(database, artifacts, self._config.task.name, run_id, name)

    def _record(self, result: NodeResult) -> NodeResult:
        """Record the result; Transform fails if the task's vocabularies cannot be measured."""
        measured: Vocabularies = {}
        if result.node == TRANSFORM and result.outputs and self._config.task.vocabularies:
            try:
                measured = measure_vocabularies(self.summary.results, self._config.task)
            except Exception as error:  # counts as an error of the node
                logging.error("The vocabularies could not be measured.", exc_info=error)
                result = dataclasses.replace(result, state=FAILED, error=error, summary=str(error).splitlines()[0])
        self._records.write(result, measured)
        return result
