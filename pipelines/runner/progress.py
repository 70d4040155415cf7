"""Shows a run while it goes on: a live table on a terminal, a line per event elsewhere."""

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
    """Receives each node's start and result."""

    def started(self, node: str) -> None:
        """Take note that a node is about to run."""

    def finished(self, result: NodeResult) -> None:
        """Take note that a node has ended."""


@contextlib.contextmanager
def show_spinner(console: Console, text: str, *, live: bool) -> Iterator[None]:
    """Show a spinner while the body runs, on a terminal."""
    with _make_live(console, Spinner("dots", text), transient=True) if live else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def show_progress(console: Console, nodes: Sequence[str], *, live: bool) -> Iterator[Progress]:
    """Show the nodes in a live table on a terminal, and one line for each elsewhere."""
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
    # Left alone, Live takes over sys.stdout and sys.stderr and shows above the table what belongs in the log.
    return Live(
        shown,
        console=console,
        refresh_per_second=8,
        transient=transient,
        redirect_stdout=False,
        redirect_stderr=False,
    )


class LineProgress:
    """One line for each node that has ended, in the pipeline's order: one that ends early waits for those before it."""

    def __init__(self, console: Console, nodes: Sequence[str]):
        self._console = console
        self._nodes = list(nodes)  # whose lines are still to come
        self._results: dict[str, NodeResult] = {}  # of nodes that wait for their line

    def started(self, node: str) -> None:
        """Say nothing: the line comes when there is something to say."""

    def finished(self, result: NodeResult) -> None:
        """Print node, state, seconds and what it wrote, and so for those that waited for this one."""
        self._results[result.node] = result
        while self._nodes and self._nodes[0] in self._results:
            self._print(self._results.pop(self._nodes.pop(0)))

    def flush(self) -> None:
        """Print the lines that still wait: a run that is stopped has nodes that never end."""
        for node in self._nodes:
            if node in self._results:
                self._print(self._results.pop(node))

    def _print(self, result: NodeResult) -> None:
        seconds = "" if result.state == SKIPPED else f"{result.seconds:6.1f} s  {result.summary}"
        self._console.print(f"{result.node:<26} {result.state:<7} {seconds}".rstrip(), markup=False, soft_wrap=True)


class TableProgress:
    """All nodes at once, those that run with a spinner."""

    def __init__(self, nodes: Sequence[str]):
        self._nodes = nodes
        self._results: dict[str, NodeResult] = {}
        self._running: dict[str, float] = {}  # node -> when it began, monotonic seconds
        self._spinner = Spinner("dots")

    def started(self, node: str) -> None:
        """Put the spinner at `node`."""
        self._running[node] = time.monotonic()

    def finished(self, result: NodeResult) -> None:
        """Fill in the node's line."""
        self._running.pop(result.node, None)  # a skipped one never began
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
                state = Text(result.state, _STYLES[result.state])
                seconds = "" if result.state == SKIPPED else f"{result.seconds:.1f}"
                table.add_row(node, state, seconds, Text(result.summary))
            elif (began := self._running.get(node)) is not None:
                table.add_row(Text(node, "bold"), self._spinner, f"{time.monotonic() - began:.1f}", "")
            else:
                table.add_row(Text(node, "dim"), "", "", "")
        return table
