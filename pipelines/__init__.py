"""The pipeline: wiring, the runner in `local/`, and one folder for each prediction task."""
