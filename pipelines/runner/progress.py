"""Show the progress of a run: a live table on a terminal, elsewhere a line for each node that has ended."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipelines.runner.results import CACHED, FAILED, RAN, SKIPPED, NodeResult

_STYLES = {RAN: "green", CACHED: "cyan", FAILED: "bold red", SKIPPED: "dim"}


class Progress(Protocol):
    """An observer of the nodes of a run."""

    def started(self, node: str) -> None:
        """Receive the id of a node that is about to run."""

    def finished(self, result: NodeResult) -> None:
        """Receive the result of a node that has ended or was skipped."""


@contextlib.contextmanager
def show_spinner(console: Console, text: str, *, live: bool) -> Iterator[None]:
    """Show a spinner while the body runs, if `live`."""
    with _make_live(console, Spinner("dots", text), transient=True) if live else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def show_progress(console: Console, nodes: Sequence[str], *, live: bool) -> Iterator[Progress]:
    """Show the nodes in a live table if `live`, else print one line for each."""
    if not live:
        lines = LineProgress(console, nodes)
        try:
            yield lines
        finally:
            lines.flush()
        return
    table = TableProgress(nodes)
    with _make_live(console, table):
        yield table


def _make_live(console: Console, shown: RenderableType, *, transient: bool = False) -> Live:
    # By default Live redirects sys.stdout and sys.stderr to above the table, but they belong in the log.
    return Live(
        shown,
        console=console,
        refresh_per_second=8,
        transient=transient,
        redirect_stdout=False,
        redirect_stderr=False,
    )


class LineProgress:
    """Progress as one line for each node that has ended, in the pipeline's order."""

    def __init__(self, console: Console, nodes: Sequence[str]):
        self._console = console
        self._nodes = list(nodes)  # without a line yet
        self._results: dict[str, NodeResult] = {}  # of nodes that ended before an earlier one of the pipeline

    def started(self, node: str) -> None:
        """Do nothing: a node's line is printed when it has ended."""

    def finished(self, result: NodeResult) -> None:
        """Print node, state, seconds and output; wait with a node until all nodes before it have ended."""
        self._results[result.node] = result
        while self._nodes and self._nodes[0] in self._results:
            self._print(self._results.pop(self._nodes.pop(0)))

    def flush(self) -> None:
        """Print the lines that still wait, since the nodes before them do not end in a stopped run."""
        for node in self._nodes:
            if node in self._results:
                self._print(self._results.pop(node))

    def _print(self, result: NodeResult) -> None:
        seconds = "" if result.state == SKIPPED else f"{result.seconds:6.1f} s  {result.summary}"
        self._console.print(f"{result.node:<26} {result.word:<7} {seconds}".rstrip(), markup=False, soft_wrap=True)


class TableProgress:
    """Progress as a table of all nodes, with a spinner for those that are running."""

    def __init__(self, nodes: Sequence[str]):
        self._nodes = nodes
        self._results: dict[str, NodeResult] = {}
        self._running: dict[str, float] = {}  # node -> when it began, monotonic seconds
        self._spinner = Spinner("dots")

    def started(self, node: str) -> None:
        """Show the spinner in the node's row."""
        self._running[node] = time.monotonic()

    def finished(self, result: NodeResult) -> None:
        """Fill in the node's row."""
        self._running.pop(result.node, None)  # a skipped node never began
        self._results[result.node] = result

    def __rich__(self) -> Table:
        """Render the table as it is now."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("node", no_wrap=True, header_style="dim")
        table.add_column("state", no_wrap=True, header_style="dim")
        table.add_column("seconds", justify="right", no_wrap=True, header_style="dim")
        table.add_column("wrote", overflow="fold", header_style="dim")
        for node in self._nodes:
            if node in self._results:
                result = self._results[node]
                state = Text(result.word, _STYLES[result.state])
                seconds = "" if result.state == SKIPPED else f"{result.seconds:.1f}"
                table.add_row(node, state, seconds, Text(result.summary))
            elif (began := self._running.get(node)) is not None:
                table.add_row(Text(node, "bold"), self._spinner, f"{time.monotonic() - began:.1f}", "")
            else:
                table.add_row(Text(node, "dim"), "", "", "")
        return table
