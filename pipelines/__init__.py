"""The pipeline: wiring, the local runner, and one folder for each prediction task."""
