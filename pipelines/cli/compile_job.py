"""`compile`: the pipeline as a file that another orchestrator runs."""

from typing import Annotated

from cyclopts import App, Parameter

from pipelines.orchestration.kubeflow.options import KubeflowOptions

EPILOGUE = """Examples:
  make kubeflow-compile IMAGE=registry/pipeline@sha256:…
  python -m pipelines compile kubeflow --graph g.json --image … --out taxi.yaml

Exit status: 0 written; 2 bad usage, or a path of this machine in the graph.
"""

app = App(
    name="compile",
    help="Write the pipeline as a file that another orchestrator runs.",
    help_epilogue=EPILOGUE,
    sort_key=2,
)


@app.command(help_epilogue=EPILOGUE)
def kubeflow(options: Annotated[KubeflowOptions, Parameter(name="*")]) -> int:
    """Compile a graph file for Kubeflow Pipelines v2 (docs/how-to/kubeflow.md).

    A container task for each node runs `python -m pipelines node` on a volume
    that all of them mount. The options that the graph was written with are the
    defaults of the pipeline's parameters.
    """
    from pipelines.orchestration.kubeflow import command  # Imported here, as what the other commands do.

    return command.run(options)
