"""Vertex AI: the pipeline compiled by TFX's KubeflowV2DagRunner, and submitted; docs/how-to/vertex.md."""
