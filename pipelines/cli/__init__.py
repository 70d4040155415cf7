"""The command `python -m pipelines`, also `tfx-pipeline`: one module for each subcommand's options and help.

A subcommand's code is imported when it runs, so that `--help` and usage errors load neither TFX nor pandas.
"""
