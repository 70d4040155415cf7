"""Airflow in a separate environment, and a complete Airflow on this machine's loopback address: docs/airflow.md."""
