"""Run the whole training pipeline on this machine: `python -m pipelines run --help`."""
