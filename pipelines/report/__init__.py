"""The report of a run: one HTML file that needs no network, for people.

`pipelines.runner` writes it at the end of every run, however it ended, as far as the run got: docs/how-to/report.md.
"""
