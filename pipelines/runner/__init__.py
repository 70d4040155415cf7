"""The local runner: the whole pipeline on this machine, in one process. `python -m pipelines.runner --help`."""
