"""List the problems that a task may have. They are defined in serving, which does not import pipelines."""

from serving.problem import BINARY, MULTICLASS, PROBLEMS, REGRESSION, Problem

__all__ = ["BINARY", "MULTICLASS", "PROBLEMS", "REGRESSION", "Problem"]
