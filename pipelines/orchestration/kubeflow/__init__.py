"""Kubeflow Pipelines v2: the graph file compiled, a container task for each node; docs/how-to/kubeflow.md."""
