"""`compile`: write the pipeline as a file that another orchestrator runs."""

from typing import Annotated

from cyclopts import App, Parameter

from pipelines.orchestration.kubeflow.options import KubeflowOptions

EPILOGUE = """Examples:
  make kubeflow-compile IMAGE=registry/pipeline@sha256:…
  python -m pipelines compile kubeflow --graph g.json --image … --out taxi.yaml

Exit status: 0 written; 1 a file cannot be written; 2 bad usage, or the graph
file names a path outside its --var.
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

    Each node becomes a container task that runs `python -m pipelines node`.
    All tasks mount one volume. The options that the graph was written with
    become the defaults of the pipeline's parameters.

    Returns:
        The exit status.
    """
    from pipelines.orchestration.kubeflow import command  # import late: --help does not need it

    return command.run(options)
