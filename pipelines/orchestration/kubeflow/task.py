"""The command of a container task: run `python -m pipelines node` with the pipeline's parameters as its options.

    python -m pipelines.orchestration.kubeflow.task --job ID --node Trainer --var=/mnt/pipelines/var --train-steps=0 …
    python -m pipelines.orchestration.kubeflow.task --job ID --finish --report FILE --var=/mnt/pipelines/var …

KFP gives every parameter a value, and not all of its backends support a missing one. So a value that means "not given",
such as 0 steps, is left out here. All other options are passed on. The exit status is that of `node`.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.orchestration.kubeflow.job_runs import JobError, find_run
from pipelines.orchestration.kubeflow.parameters import ParameterError, Value, all_parameters
from pipelines.orchestration.options import WRONG_USE


def main(arguments: Sequence[str]) -> int:
    """Run a task to its end.

    For a node, the command `node` replaces this process, so that the container's signals reach it.

    Args:
        arguments: of the command line.

    Returns:
        The exit status: that of `node`, or 2 if a parameter or the job's id cannot be used.
    """
    parser = argparse.ArgumentParser(prog="python -m pipelines.orchestration.kubeflow.task", allow_abbrev=False)
    parser.add_argument("--job", required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--node")
    what.add_argument("--finish", action="store_true")
    parser.add_argument("--report", type=Path, help="with --finish: copy the run's report to this file")
    options, words = parser.parse_known_args(arguments)
    try:
        values = read_words(words)
        var = Path(str(values.get("var", "")) or "var")
        run_id = find_run(var, options.job)
    except (JobError, ParameterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    what_to_do = ["--finish"] if options.finish else ["--node", options.node]
    command = ["-m", "pipelines", "node", *write_words(values), "--run-id", run_id, *what_to_do]
    print(f"command: python {shlex.join(command)}", flush=True)
    command = [sys.executable, "-W", "ignore", *command]
    if not options.finish:
        os.execv(sys.executable, command)
    status = subprocess.run(command, check=False).returncode
    _show_report(var / "runs" / run_id / "report.html", options.report)
    return status


def read_words(words: Sequence[str]) -> dict[str, Value]:
    """Read arguments such as `--train-steps=30`.

    Args:
        words: the arguments, one for each parameter.

    Returns:
        The value of each parameter, by name.

    Raises:
        ParameterError: There is no such parameter, or its value is of another type.
    """
    known, values = all_parameters(), {}
    for word in words:
        option, _, text = word.partition("=")
        parameter = known.get(option.removeprefix("--").replace("-", "_"))
        if parameter is None:
            raise ParameterError(
                f"{option}: expected an option of a run, received an unknown one; compile the pipeline with the "
                "version of this project that its image holds"
            )
        values[parameter.name] = parameter.read(text)
    return values


def write_words(values: dict[str, Value]) -> list[str]:
    """Return values as arguments of `node`, without those that mean "not given"."""
    known = all_parameters()
    return [word for name, value in values.items() for word in known[name].words(value)]


def _show_report(report: Path, artifact: Path | None) -> None:
    """Copy the report to the task's artifact: Kubeflow shows the whole page if the task succeeded."""
    if report.is_file() and artifact is not None:
        artifact.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(report, artifact)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
