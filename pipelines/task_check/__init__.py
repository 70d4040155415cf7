"""What a task's code gets wrong, told before Beam starts, in the words of whoever wrote it."""
