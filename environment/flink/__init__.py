"""A standalone Flink cluster of the project's own, on loopback: `python -m environment.flink up | down | status`.

Flink and Beam's Flink runner come from package indexes, pinned by checksum (packages.py), and run as ordinary processes
of this user (cluster.py). For trying the pipeline on a distributed engine; a cluster for production is an operator's
(docs/how-to/scale.md).
"""
