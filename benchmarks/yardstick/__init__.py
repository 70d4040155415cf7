"""Our models beside the best simple ones, task by task: what a new task reaches without anybody's help."""
