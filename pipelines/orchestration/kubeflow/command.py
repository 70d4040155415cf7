"""Run `compile kubeflow`: read the graph, write the pipeline, and print what to do next."""

import sys

from pipelines.orchestration.graph_file import GraphFileError, read_graph
from pipelines.orchestration.kubeflow.options import KubeflowOptions
from pipelines.orchestration.kubeflow.parameters import ParameterError
from pipelines.orchestration.options import DONE, WRONG_USE

_CANNOT_WRITE = 1  # exit status, as that of `run`


def run(options: KubeflowOptions) -> int:
    """Compile the pipeline.

    Args:
        options: of the command line.

    Returns:
        The exit status. 0: the files are written. 1: a file cannot be written. 2: the graph file cannot be read, or
        names a path that is not below its `var`.
    """
    claim = options.out.with_suffix(".claim.yaml")
    try:
        graph = read_graph(options.graph)
        from pipelines.orchestration.kubeflow.pipeline import compile_pipeline  # import late: it loads kfp

        compile_pipeline(graph, options)
        if options.claim_size is not None:
            claim.write_text(describe_claim(options))
    except (GraphFileError, ParameterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    except OSError as error:
        print(f"error: cannot write {options.out}: {error}; free or unlock it, or name another --out", file=sys.stderr)
        return _CANNOT_WRITE
    print(f"{options.out}: {len(graph.nodes)} nodes, and finish")
    steps = [f"kubectl get pvc {options.claim}    (the volume of all tasks; --claim-size writes a manifest)"]
    if options.claim_size is not None:
        steps = [f"kubectl apply -f {claim}    (once; the volume of all tasks)"]
    if options.metadata is not None:
        key = options.metadata_secret_key
        steps.append(f"kubectl create secret generic {options.metadata_secret} --from-file={key}=FILE")
    steps.append(f"kfp run create --experiment-name {graph.task} --package-file {options.out}")
    for number, step in enumerate(steps):
        print(f"{'next' if number == 0 else 'then':<12} {step}")
    print(f"{'or':<12} upload it in Kubeflow's web interface: Pipelines, Upload pipeline")
    return DONE


def describe_claim(options: KubeflowOptions) -> str:
    """Return the manifest of the claim.

    A user applies it once. A claim that runs make themselves would be new, and empty, in each run, but runs compare
    with earlier ones.

    Args:
        options: with the claim's size.
    """
    storage = f"  storageClassName: {options.storage_class}\n" if options.storage_class else ""
    return (
        f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {options.claim}\nspec:\n"
        f"  accessModes: [{options.claim_access}]\n{storage}  resources:\n    requests:\n"
        f"      storage: {options.claim_size}\n"
    )
