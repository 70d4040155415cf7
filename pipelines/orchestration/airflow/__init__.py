"""Airflow: the DAGs of the graph files that `node --graph` writes; docs/how-to/airflow.md."""
