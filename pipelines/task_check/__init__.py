"""Find mistakes in a task's code before Beam starts, and explain them in terms of that code."""
