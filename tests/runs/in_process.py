"""The command line, called in this process: loading TFX again would take longer than most of what is tested."""

import contextlib
import io
import json
import re
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest
from absl import logging
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.orchestration import pipeline_pb2

from pipelines.cli.app import execute
from pipelines.ingestion import command as ingestion_command
from pipelines.monitoring import command as monitoring
from pipelines.orchestration import command as orchestration_command
from pipelines.runner import command, launch
from tests.runs.project import DIABETES, SOURCE, Finished, finished


def run_here(
    var: Path, *options: str, upto: str | None = None, task: str = DIABETES, terminal: TextIO | None = None
) -> Finished:
    """Runs the command line; its log goes to where this process logs.

    Args:
        var: the folder of the run.
        *options: of the command line, after `--task` and `--var`.
        upto: the last node of the pipeline, which then is cut off after it; None runs the whole. A pipeline without
            its end pushes nothing, which the runner calls failed, without an error.
        task: the task.
        terminal: what the run takes for its terminal, in place of a file.
    """
    said = terminal or io.StringIO()
    with pytest.MonkeyPatch.context() as patch, _process_state(patch):
        patch.setattr(command, "redirect_output", lambda log: said)
        if upto is not None:
            patch.setattr(launch, "compile_pipeline", _compile_upto(upto))
        # One after the other, in this process: it may have computed with TensorFlow, and its forks would hang.
        status = execute(["run", "--task", task, "--var", str(var), "--at-once", "1", *options])
    return finished(SOURCE, status, said.getvalue() if isinstance(said, io.StringIO) else "", "")


def node_here(var: Path, *options: str, task: str = DIABETES) -> Finished:
    """Runs `node`, as `run_here` runs `run`; of `--finish` with the summary."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, _process_state(patch):
        patch.setattr(orchestration_command, "redirect_output", lambda log: said)
        status = execute(["node", "--task", task, "--var", str(var), *options])
    return finished(SOURCE, status, said.getvalue(), "")


def ingest_here(var: Path, source: Path | None, *options: str, task: str = "taxi") -> Finished:
    """Ingests the spans of a folder, or of the request log; the summary is that of the ingestion.

    Args:
        var: the folder of the ingestion.
        source: the folder with the spans; None: the request log.
        *options: of the command line.
        task: the task.
    """
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, _process_state(patch):
        patch.setattr(ingestion_command, "redirect_output", lambda log: said)
        where = ["--from-log"] if source is None else ["--from", str(source)]
        arguments = [*where, "--task", task, "--var", str(var), "--at-once", "1"]
        status = execute(["ingest", *arguments, *options])
    found = re.search(r"^record +(\S+)$", said.getvalue(), re.MULTILINE)
    summary = json.loads((SOURCE / found[1]).read_text()) if found else {}
    return Finished(status=status, terminal=said.getvalue(), stderr="", summary=summary)


def monitor_here(var: Path, *options: str, task: str = DIABETES) -> Finished:
    """Runs `monitor`, as `run_here` runs `run`."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, _process_state(patch):
        patch.setattr(monitoring, "redirect_output", lambda log: said)
        status = execute(["monitor", "--task", task, "--var", str(var), *options])
    return finished(SOURCE, status, said.getvalue(), "")


def _compile_upto(node: str) -> Callable[[Pipeline, str], pipeline_pb2.Pipeline]:
    """`compile_pipeline`, with the nodes that come after `node` cut off."""
    compile_whole = launch.compile_pipeline

    def compile_pipeline(pipeline: Pipeline, run_id: str) -> pipeline_pb2.Pipeline:
        compiled = compile_whole(pipeline, run_id)
        names = [each.pipeline_node.node_info.id for each in compiled.nodes]
        del compiled.nodes[names.index(node) + 1 :]
        return compiled

    return compile_pipeline


@contextlib.contextmanager
def _process_state(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts back what a run changes in its process: folder of temporary files, signal handlers, verbosity."""
    patch.setenv("TMPDIR", tempfile.gettempdir())
    patch.setattr(tempfile, "tempdir", tempfile.tempdir)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    verbosity = logging.get_verbosity()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        for number, handler in handlers.items():
            signal.signal(number, handler)
