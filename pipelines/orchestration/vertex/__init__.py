"""Compile the pipeline with TFX's KubeflowV2DagRunner, and submit it to Vertex AI. docs/how-to/vertex.md."""
