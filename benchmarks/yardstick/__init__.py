"""Compare our models with the best simple ones, task by task: what a new task reaches without manual work."""
