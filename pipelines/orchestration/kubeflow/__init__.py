"""Compile the graph file for Kubeflow Pipelines v2: one container task for each node. docs/how-to/kubeflow.md."""
