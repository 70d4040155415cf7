"""Retrain when it is due: a loop that observes, decides by the task's policy, trains, and rolls out."""
