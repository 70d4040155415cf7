"""Which values the contract allows a feature: serving/domains.py, under the name that components and pipelines use."""

from serving.domains import known_strings, number_range

__all__ = ["known_strings", "number_range"]
