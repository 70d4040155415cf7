"""Install Airflow in a separate environment, and run it on the loopback address: docs/how-to/airflow.md."""
