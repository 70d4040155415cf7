"""Retraining when it is due: a loop that looks, decides by the task's policy, trains, and rolls out."""
