"""The kinds of problems that a task may pose; the gateway, which has nothing of the pipelines, knows them too."""

from serving.problem import BINARY, MULTICLASS, PROBLEMS, REGRESSION, Problem

__all__ = ["BINARY", "MULTICLASS", "PROBLEMS", "REGRESSION", "Problem"]
