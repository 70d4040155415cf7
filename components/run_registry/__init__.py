"""What runs leave for later ones where ML Metadata cannot be asked: records, written and looked up by nodes.

On Vertex AI the service keeps the metadata, and answers no Resolver of ours. docs/decisions/0059-vertex-ai.md.
"""
