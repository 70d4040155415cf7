"""Compare the models of tasks that were made without manual work with the best yardstick of each task."""
