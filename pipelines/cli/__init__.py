"""The one command, `python -m pipelines` or `tfx-pipeline`: one module for each subcommand's options and help.

A subcommand imports what it runs when it runs: `--help` and bad usage wait neither for TFX nor for pandas.
"""
