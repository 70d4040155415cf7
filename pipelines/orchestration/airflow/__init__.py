"""Airflow: the DAGs of the graph files that `node --graph` writes; docs/airflow.md."""
