"""Write the report of a run: one HTML file that needs no network.

`pipelines.runner` writes it at the end of every run, also of one that failed: docs/how-to/report.md.
"""
