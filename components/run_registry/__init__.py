"""Record a run's accepted data and pushed model for later runs, and find them, where ML Metadata cannot be queried.

On Vertex AI the service keeps the metadata and does not run our Resolver strategies (docs/decisions/0059-vertex-ai.md).
"""
