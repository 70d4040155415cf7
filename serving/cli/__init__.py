"""The command `python -m serving`: one module for each subcommand's options and help.

A subcommand imports what it runs when it runs, so that `--help` and bad usage load neither TensorFlow nor FastAPI.
"""
