"""`compile kubeflow` as a command: reads the graph, writes the pipeline, and says what to do next."""

import sys

from pipelines.orchestration.graph_file import GraphFileError, read_graph
from pipelines.orchestration.kubeflow.options import KubeflowOptions
from pipelines.orchestration.kubeflow.parameters import ParameterError
from pipelines.orchestration.options import DONE, WRONG_USE


def run(options: KubeflowOptions) -> int:
    """Compiles the pipeline.

    Args:
        options: of the command line.

    Returns:
        The exit status: 2 where graph and options do not make a pipeline.
    """
    try:
        graph = read_graph(options.graph)
        from pipelines.orchestration.kubeflow.pipeline import compile_pipeline  # Imported here: it loads kfp.

        compile_pipeline(graph, options)
    except (GraphFileError, ParameterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    print(f"{options.out}: {len(graph.nodes)} nodes, and finish")
    steps = [f"kubectl get pvc {options.claim}    (the volume of all tasks; --claim-size writes a manifest)"]
    if options.claim_size is not None:
        claim = options.out.with_suffix(".claim.yaml")
        claim.write_text(describe_claim(options))
        steps = [f"kubectl apply -f {claim}    (once; the volume of all tasks)"]
    if options.metadata is not None:
        key = options.metadata_secret_key
        steps.append(f"kubectl create secret generic {options.metadata_secret} --from-file={key}=FILE")
    steps.append(f"kfp run create --experiment-name {graph.task} --package-file {options.out}")
    for number, step in enumerate(steps):
        print(f"{'next' if number == 0 else 'then':<12} {step}")
    print(f"{'or':<12} upload it in Kubeflow's page, Pipelines, Upload pipeline")
    return DONE


def describe_claim(options: KubeflowOptions) -> str:
    """Describes the claim as Kubernetes takes it.

    A user makes it once, since it holds what later runs compare with. One that a run made would be new with each run.

    Args:
        options: with the claim's size.

    Returns:
        The manifest.
    """
    storage = f"  storageClassName: {options.storage_class}\n" if options.storage_class else ""
    return (
        f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {options.claim}\nspec:\n"
        f"  accessModes: [{options.claim_access}]\n{storage}  resources:\n    requests:\n"
        f"      storage: {options.claim_size}\n"
    )
