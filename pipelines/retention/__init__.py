"""What is kept and what is removed below a folder of runs, and what takes space."""
