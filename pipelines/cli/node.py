"""`node`: run one node of a run in a separate process."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.run import check_run_options
from pipelines.orchestration.options import NodeOptions
from serving.cli.usage import UsageError

EPILOGUE = """Examples:
  python -m pipelines node --list
  python -m pipelines node --graph var/graph.json
  python -m pipelines node --run-id 20260131-235959 --node ExampleGen
  python -m pipelines node --run-id 20260131-235959 --finish

Exit status: 0 the node ended well; 1 a gate refused the data or the model; 2
bad usage, or the run was begun with other options; 3 the node failed; 4
another process uses the folder; 130 interrupted. Retry only after 3, 4 and
130. With --finish: the exit status of `run`.
"""


def node(options: Annotated[NodeOptions | None, Parameter(name="*")] = None) -> int:
    """Run one node of a run, for an orchestrator; or list the nodes.

    Running every node of a run in order, and then --finish, does what `run`
    does, and writes the same record. Give every command of a run the same
    options: a difference is refused. A node that ended well in this run is not
    run again. After a kill, give the same command again: it first clears what
    was half written. One process at a time uses --var, and others wait; with
    ML Metadata in MySQL, nodes run at the same time.

    Returns:
        The exit status.

    Raises:
        UsageError: There is no option, or one that cannot be used.
    """
    if options is None:
        raise UsageError("expected one of --node, --finish, --list and --graph, received none")
    check_run_options(options)
    from pipelines.orchestration import command  # import late: --help does not need numpy

    return command.run(options)
