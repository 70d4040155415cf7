"""Airflow in a separate environment, and a complete Airflow on loopback: docs/how-to/airflow.md."""
