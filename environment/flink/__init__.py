"""Run a standalone Flink cluster on the loopback address: `python -m environment.flink up | down | status`.

Flink and Beam's Flink runner come from package indexes, pinned by checksum (packages.py), and run as ordinary processes
of this user (cluster.py). Use it to try the pipeline on a distributed engine; operators run clusters for production
(docs/how-to/scale.md).
"""
