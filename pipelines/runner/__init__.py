"""The local runner: runs the whole pipeline on this machine, in one process. `python -m pipelines run --help`."""
