"""Airflow in an environment of its own, and a whole Airflow on this machine's loopback: docs/how-to/airflow.md."""
