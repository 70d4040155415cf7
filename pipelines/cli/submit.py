"""`submit`: run the pipeline on a service."""

from typing import Annotated

from cyclopts import App, Parameter

from pipelines.cli.task import require_task
from pipelines.orchestration.vertex.options import VertexOptions

app = App(
    name="submit",
    help="Run the pipeline on a service, instead of on this machine.",
    help_epilogue="""Examples:
  python -m pipelines submit vertex --compile-only
  python -m pipelines submit vertex --task churn --wait

Exit status: 0 sent, or compiled, or with --wait succeeded; 1 the job failed or
was refused, or cannot be compiled or written; 2 bad usage, or something is
missing: nothing was sent.
""",
    sort_key=1,  # after run
)


@app.command
def vertex(options: Annotated[VertexOptions | None, Parameter(name="*")] = None) -> int:
    """Run the pipeline on Vertex AI, with Beam on Dataflow if cloud.toml says so.

    Compiles the same nodes that `run` runs into a job, copies the contract and
    the hyperparameters into the bucket, and sends the job. cloud.toml names
    project, region, bucket, image and machines; copy
    pipelines/cloud.example.toml to write it. See docs/how-to/vertex.md.

    Returns:
        The exit status.
    """
    options = options or VertexOptions()
    require_task(options.task)
    from pipelines.orchestration.vertex import command  # import late: --help does not need it

    return command.run(options)
