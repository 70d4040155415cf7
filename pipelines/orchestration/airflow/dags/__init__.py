"""The folder that Airflow reads. It imports nothing of this project: Airflow has an environment of its own."""
