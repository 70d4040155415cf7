"""The command `python -m serving`: one module for each subcommand's options and help.

A subcommand's code is imported when it runs, so that `--help` and usage errors load neither TensorFlow nor FastAPI.
"""
