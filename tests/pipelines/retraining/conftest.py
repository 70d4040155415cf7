"""The loop's surroundings, for every test of it."""

from tests.pipelines.retraining.scripted import world

__all__ = ["world"]
