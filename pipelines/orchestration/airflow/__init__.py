"""Airflow's DAGs, made from the graph files that `node --graph` writes. docs/how-to/airflow.md."""
