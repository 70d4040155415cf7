"""The folder that Airflow reads. Its modules import nothing of this project: Airflow runs in another environment."""
