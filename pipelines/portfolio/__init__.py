"""The approaches that a task may take, each within the same budget: what it may reach, and how likely it is best."""
