"""The kinds of features: a class each, with its fields, its computation, and how it enters a model."""
