"""A model server for machines without Docker: TensorFlow Serving's REST and gRPC API, from the same folders."""
