"""Run the command `node`: lock the folder, write the log, print the result, and return the exit status.

The module loads without TFX, so that usage errors and a busy folder are reported at once.
"""

import contextlib
import functools
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pipelines.explain import explain
from pipelines.metadata_database import MetadataDatabaseError, MySqlDatabase, find_mysql, require_password, use_mysql
from pipelines.nodes import PUSHER
from pipelines.options import RunOptions
from pipelines.orchestration.begun import RunMismatchError
from pipelines.orchestration.graph_file import Graph
from pipelines.orchestration.options import (
    BUSY,
    DONE,
    FAILURE,
    INTERRUPTED,
    REFUSAL,
    WRONG_USE,
    NodeOptions,
)
from pipelines.runner.command import describe_unwritable, record_run, require_spans
from pipelines.runner.lock import BusyError, lock_folder
from pipelines.runner.results import FAILED, NodeResult
from pipelines.runner.run_folder import use_temporary_folder
from pipelines.runner.run_log import redirect_output
from pipelines.runner.summary import REFUSED, Summary
from pipelines.spans.errors import SpanError
from serving.durable_file import write_whole
from serving.process_control import gc_paused_imports, hold_stderr, remember_interrupts

if TYPE_CHECKING:
    from rich.console import Console


def run(options: NodeOptions) -> int:
    """Run a node, finish a run, list the nodes, or write the graph, as the options say.

    Args:
        options: of the command line.

    Returns:
        The exit status. 0: the node ran, came from the cache, or had ended well before. 1: a gate refused the data or
        the model. 2: the run was begun with other options or code, or the node's turn has not come. 3: the node failed.
        4: another process uses `var`. 130: interrupted. With `finish`: the exit status of `run`.
    """
    try:
        _choose_database(options)
        require_password(options.var / "metadata.sqlite")
        if options.spans is not None:  # check before TFX is loaded, which takes seconds
            require_spans(options)
        with remember_interrupts(), _hold(options):
            if options.run_id is None:
                return _describe(options)
            directory = options.var / "runs" / options.run_id
            directory.mkdir(parents=True, exist_ok=True)
            with use_temporary_folder(options.var / "tmp" / f"{options.run_id}-{options.node or 'finish'}"):
                terminal = sys.stdout if options.verbose else redirect_output(directory / "run.log")
                return (_finish if options.finish else _run_node)(options, directory, terminal)
    except (SpanError, RunMismatchError, MetadataDatabaseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return BUSY
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        print(f"error: {describe_unwritable(options.var, error)}", file=sys.stderr)
        return FAILURE


@contextlib.contextmanager
def _hold(options: NodeOptions) -> Iterator[None]:
    """Lock the folder; with ML Metadata in MySQL share it with other nodes, and lock the node instead."""
    # Not on a Flink cluster: all jobs have one name there, and each process ends the jobs that it finds.
    parallel = find_mysql(options.var / "metadata.sqlite") is not None and options.engine == "local"
    with contextlib.ExitStack() as stack:
        held = [(options.var, parallel)]
        if parallel and options.run_id is not None:
            held.append((options.var / "runs" / options.run_id / "locks" / (options.node or "finish"), False))
            # Pusher compares with the versions that are in place, and then pushes: only one run at a time may do so.
            if options.node == PUSHER:
                held.append((options.var / "runs", False))
        for folder, shared in held:
            lock = lock_folder(
                folder,
                shared=shared,
                wait=60 * options.wait_minutes,
                on_wait=functools.partial(_print_waiting, folder),
            )
            stack.enter_context(lock)
        yield


def _print_waiting(folder: Path, holder: str) -> None:
    print(f"waiting for {holder}, which is using {folder}", flush=True)


def _choose_database(options: NodeOptions) -> None:
    if options.metadata is None:
        return
    database = MySqlDatabase.parse(options.metadata)
    if find_mysql(options.var / "metadata.sqlite") != database:
        with lock_folder(options.var, wait=60 * options.wait_minutes):
            use_mysql(options.var, database)


def _describe(options: NodeOptions) -> int:
    """List the nodes, or write the graph."""
    with hold_stderr(), gc_paused_imports():
        from pipelines.orchestration.graph import describe_graph, list_nodes

        graph: Graph | Exception
        try:
            graph = describe_graph(options)
        except Exception as error:  # any error of the task's code: such a run could not begin
            graph = error
    if isinstance(graph, Exception):
        print(f"error: {explain(graph)}", file=sys.stderr)
        return FAILURE
    if options.graph is None:
        print(list_nodes(graph), end="")
    else:
        options.graph.parent.mkdir(parents=True, exist_ok=True)
        write_whole(options.graph, graph.as_json())  # an orchestrator may read it at any moment
        print(f"{options.graph}: {len(graph.nodes)} nodes")
    return DONE


def _run_node(options: NodeOptions, directory: Path, terminal: TextIO) -> int:
    from rich.console import Console  # import late: a busy folder is reported without it

    from pipelines.runner import final_report

    console = Console(file=terminal, highlight=False)
    console.print(f"[bold]{options.task}[/]  run {directory.name}", soft_wrap=True)
    status = FAILURE
    try:
        with gc_paused_imports():
            from pipelines.orchestration.single_node import SingleNode
        node = SingleNode(options, console)
        result = node.run()
        _show(console, result, node.summary)
        status = _exit_status(result, node.summary)
    except KeyboardInterrupt:
        final_report.print_line(console, "interrupted", "run the same command again", style="bold red")
        status = INTERRUPTED
    except Exception as error:  # any error of the task's code: the terminal gets the message, the log the traceback
        traceback.print_exc()
        final_report.print_line(console, "error", explain(error), style="bold red")
        status = WRONG_USE if isinstance(error, RunMismatchError) else FAILURE
    if status != DONE:
        final_report.print_path(console, "log", directory / "run.log")
    return status


def _show(console: "Console", result: NodeResult, summary: Summary) -> None:
    """Print the node's line, as `run` does, and what a gate decided."""
    from pipelines.runner import final_report
    from pipelines.runner.progress import LineProgress

    LineProgress(console, [result.node]).finished(result)
    for verdict in summary.verdicts:
        # Pusher follows the verdicts of the gates: when it does not push, the refusing gates say why.
        if verdict.gate == result.node or (result.node == PUSHER and verdict.passed is False):
            final_report.print_verdict(console, verdict)
    if result.error is not None:
        final_report.print_line(console, "error", explain(result.error), style="bold red")
    elif result.node == PUSHER and summary.not_pushed:
        final_report.print_line(console, "not pushed", summary.not_pushed)


def _exit_status(result: NodeResult, summary: Summary) -> int:
    if result.state == FAILED:
        refused = any(verdict.gate == result.node and verdict.passed is False for verdict in summary.verdicts)
        return REFUSAL if refused else FAILURE
    return REFUSAL if result.node == PUSHER and summary.status == REFUSED else DONE


def _finish(options: NodeOptions, directory: Path, terminal: TextIO) -> int:
    return record_run(options, directory, terminal, _fill_in)


def _fill_in(options: RunOptions, console: "Console", summary: Summary) -> None:
    from pipelines.orchestration.finish import finish_run  # import late: it loads TFX

    finish_run(options, console, summary)
