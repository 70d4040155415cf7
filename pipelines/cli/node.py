"""`node`: one node of a run, in a process of its own."""

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
bad usage, or the run was begun as another one; 3 the node failed; 4 another
process uses the folder; 130 interrupted. Only 3, 4 and 130 are worth another
try. Of --finish: those of `run`.
"""


def node(options: Annotated[NodeOptions | None, Parameter(name="*")] = None) -> int:
    """Run one node of a run, for an orchestrator; or list the nodes.

    All nodes of a run, one after the other, and --finish do what `run` does,
    and leave the same record. Every command of a run has the same options: a
    contradiction is refused. A node that ended well in this run is not run
    again. After a kill the same command goes on; what was half written is
    cleared first. One process at a time uses --var; the others wait.
    """
    if options is None:
        raise UsageError("expected one of --node, --finish, --list and --graph, received none")
    check_run_options(options)
    from pipelines.orchestration import command  # Imported here: it loads numpy, which --help need not wait for.

    return command.run(options)
